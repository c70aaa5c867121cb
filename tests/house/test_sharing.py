"""Which tests run once, because no database and no broker can change how they end."""

import re
import sys
from types import SimpleNamespace

import pytest

from tests.services.environment import BASE
from tests.services.sharing import OF_CONNECTORS, is_pure, repeats

ENGLISH = {"language": "en-US", "width": 320}
KOREAN = {"language": "ko-KR", "width": 1280, "dark": True}
WITHOUT_SCRIPT = {"language": "ko-KR", "javascript": False}


OF_ROWS = re.compile(r"\.objects|\.unscoped|django_db|refresh_from_db|transaction|django\.db\b")


def case(file, test, *, mark=None, **params):
    return SimpleNamespace(
        nodeid=f"tests/{file}::{test}[{len(params)}]",
        callspec=SimpleNamespace(params=params),
        get_closest_marker=lambda _name: mark,
    )


def browser_test(test, **params):
    return case("browser/test_x.py", test, **params)


def test_another_language_width_and_colour_is_a_repeat_of_the_first_reader():
    first, *others = (
        browser_test("test_a", reader=reader) for reader in (ENGLISH, KOREAN, WITHOUT_SCRIPT)
    )
    shown, other = (browser_test("test_b", language=language) for language in ("en-US", "ko-KR"))

    assert repeats([first, *others, shown, other]) == [*others, other]


def test_another_case_and_another_test_are_no_repeats():
    items = [
        browser_test("test_a", reader=ENGLISH, role="helpdesk"),
        browser_test("test_a", reader=KOREAN, role="tenant_admin"),
        browser_test("test_b", reader=KOREAN, role="helpdesk"),
    ]

    assert repeats(items) == []


def test_readers_are_no_repeats_outside_of_the_browser():
    items = [case("reset/test_x.py", "test_a", reader=reader) for reader in (ENGLISH, KOREAN)]

    assert repeats(items) == []


def test_another_directory_is_a_repeat_of_the_first_with_the_same_case():
    first, other, otherwise = (
        case("reset/test_x.py", "test_a", server=server, end=end)
        for server, end in (("openldap", "expire"), ("samba", "expire"), ("samba", "lock"))
    )

    assert repeats([first, other, otherwise]) == [other]


def test_another_directory_in_another_language_is_a_repeat_in_the_browser():
    first, other = (
        browser_test("test_a", name=name, reader=reader)
        for name, reader in (("openldap", ENGLISH), ("samba", KOREAN))
    )

    assert repeats([first, other]) == [other]


def test_what_may_be_tried_on_one_database_alone_is_no_repeat():
    items = [
        case("reset/test_x.py", "test_a", mark="django_db", server=server)
        for server in ("openldap", "samba")
    ]

    assert repeats(items) == []


@pytest.mark.parametrize("path", OF_CONNECTORS)
def test_tests_of_connectors_neither_read_nor_write_rows(path):
    assert OF_ROWS.findall((BASE / path).read_text()) == []


def test_a_test_that_asks_for_a_database_or_the_service_is_not_pure():
    def asking_for(*fixtures):
        return SimpleNamespace(
            nodeid="tests/test_x.py::test_a",
            fixturenames=fixtures,
            module=sys.modules["tests.forms"],
            get_closest_marker=lambda _name: None,
        )

    assert is_pure(asking_for("tmp_path"))
    assert not any(is_pure(asking_for("tmp_path", name)) for name in ("db", "settings", "site"))
