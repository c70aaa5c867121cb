"""Which tests run once, because no database and no broker can change how they end."""

import sys
from types import SimpleNamespace

from tests.services.sharing import is_pure, other_looks

ENGLISH = {"language": "en-US", "width": 320}
KOREAN = {"language": "ko-KR", "width": 1280, "dark": True}
WITHOUT_SCRIPT = {"language": "ko-KR", "javascript": False}


def browser_test(name, **params):
    nodeid = f"tests/browser/test_x.py::{name}[{len(params)}]"
    return SimpleNamespace(nodeid=nodeid, callspec=SimpleNamespace(params=params))


def test_another_language_width_and_colour_is_a_repeat_of_the_first_reader():
    first, other = (browser_test("test_a", reader=reader) for reader in (ENGLISH, KOREAN))

    assert other_looks([first, other]) == [other]


def test_a_reader_without_script_another_case_and_another_test_are_no_repeats():
    items = [
        browser_test("test_a", reader=ENGLISH, role="helpdesk"),
        browser_test("test_a", reader=WITHOUT_SCRIPT, role="helpdesk"),
        browser_test("test_a", reader=KOREAN, role="tenant_admin"),
        browser_test("test_b", reader=KOREAN, role="helpdesk"),
        browser_test("test_c", language="en-US"),
        browser_test("test_c", language="ko-KR"),
    ]

    assert other_looks(items) == []


def test_what_is_no_test_of_the_browser_is_no_repeat():
    items = [
        SimpleNamespace(
            nodeid="tests/reset/test_x.py::test_a[0]",
            callspec=SimpleNamespace(params={"reader": reader}),
        )
        for reader in (ENGLISH, KOREAN)
    ]

    assert other_looks(items) == []


def test_a_test_that_asks_for_a_database_or_the_service_is_not_pure():
    def asking_for(*fixtures):
        return SimpleNamespace(
            fixturenames=fixtures,
            module=sys.modules["tests.forms"],
            get_closest_marker=lambda _name: None,
        )

    assert is_pure(asking_for("tmp_path"))
    assert not any(is_pure(asking_for("tmp_path", name)) for name in ("db", "settings", "site"))
