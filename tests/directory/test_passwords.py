"""What speaks against a new password: the policy, the words, the list, the former ones."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone
from structlog.testing import capture_logs

from directory.connectors import connector_of
from directory.services import passwords
from directory.services.passwords import TooManyPasswords
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from passwords.breached import breached_passwords
from passwords.rules import MAX_LENGTH, Problem
from tenants.models import Tenant
from tenants.policy import Policy, Scope
from tests.builders import PASSWORD, make_user

GOOD = "correct horse battery staple"


@pytest.fixture
def contoso_policy():
    return Policy(
        self_service=Scope.ALL,
        password_min_length=14,
        password_classes=3,
        banned_words=frozenset({"zirconium"}),
    )


@pytest.fixture
def named(contoso):
    """A user with a name in every place that names are taken from."""
    Tenant.objects.filter(pk=contoso.pk).update(short_name="Kontor", name="Nordwind Traders")
    with in_tenant(contoso.pk):
        yield make_user(
            "jo.ann_smith7x@contoso.example",
            given_name="Johanna",
            surname="Schmidt",
            display_name="Hanni  Smitty",
        )


def problems(password, user=None):
    return [finding.problem for finding in passwords.findings_against(password, user)]


def test_the_names_of_the_tenant_and_the_user_are_all_that_is_around(named):
    assert set(passwords.names_around(named)) == {
        "contoso",
        "Kontor",
        "Nordwind Traders",
        "Nordwind",
        "Traders",
        "jo.ann_smith7x",
        "jo",
        "ann",
        "smith",
        "x",
        "Johanna",
        "Schmidt",
        "Hanni",
        "Smitty",
    }
    assert passwords.names_around(None) == [
        "contoso",
        "Kontor",
        "Nordwind Traders",
        "Nordwind",
        "Traders",
    ]


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("Correct horse 9 staple", []),
        ("Aq9 wlk mbt x", [Problem.SHORT]),
        ("correct horse staple", [Problem.CLASSES]),
        ("Zirconium7Zirconium", [Problem.BANNED]),
        ("Johanna 9 green tables", [Problem.PERSONAL]),
    ],
)
def test_the_policy_and_the_names_are_judged(named, password, expected):
    assert problems(password, named) == expected


def test_a_password_for_no_user_may_have_any_name_of_a_user(named):
    assert problems("Johanna 9 green tables") == []


def test_what_a_password_is_worth_comes_with_what_speaks_against_it(named):
    judged = passwords.judged("Zirconium7Zirconium", named)

    assert [one.problem for one in judged.findings] == [Problem.BANNED]
    assert judged.worth.words == ["zirconium"]
    personal = passwords.judged("Johanna 9 green tables", named)
    assert [one.problem for one in personal.findings] == [Problem.PERSONAL]
    assert passwords.judged("Johanna 9", named).worth.words == ["Johanna"]
    assert "Johanna" not in passwords.judged("Johanna 9", None).worth.words


def test_of_a_password_that_is_too_long_the_beginning_is_looked_at(named):
    judged = passwords.judged("a" * MAX_LENGTH + "zirconium", named)

    assert judged.worth.words == []
    assert judged.worth.points == MAX_LENGTH


def test_the_list_of_breached_passwords_is_asked(contoso, tmp_path):
    breached_passwords.cache_clear()
    stolen = "Correct horse 9 staple"
    line = hashlib.sha1(stolen.encode(), usedforsecurity=False).hexdigest().upper()
    path = tmp_path / "list"
    path.write_text(f"{line}:7\n")

    with override_settings(BREACHED_PASSWORDS=str(path)):
        assert problems(stolen) == [Problem.BREACHED]
        assert problems("Correct horse 8 staple") == []
        assert [one.problem for one in passwords.judged(stolen, None).findings] == [
            Problem.BREACHED
        ]


@pytest.mark.parametrize("content", [None, "no list of hashes"])
def test_a_list_that_cannot_be_read_is_logged_and_refuses_none(contoso, tmp_path, content):
    breached_passwords.cache_clear()
    path = tmp_path / "list"
    if content:
        path.write_text(content)

    with override_settings(BREACHED_PASSWORDS=str(path)), capture_logs() as logs:
        assert problems("Correct horse 9 staple") == []

    assert [one["event"] for one in logs] == ["breached_passwords_unreadable"]


def test_without_a_list_nothing_is_logged(contoso):
    with override_settings(BREACHED_PASSWORDS=""), capture_logs() as logs:
        assert problems("Correct horse 9 staple") == []

    assert logs == []


def test_a_former_password_is_known_again(contoso):
    user = make_user()
    connector_of(user).set_password(user, GOOD)

    assert passwords.was_used(user, GOOD)
    assert not passwords.was_used(user, "another horse battery staple")


def test_comparisons_with_former_passwords_are_counted_for_each_user(contoso):
    user, other = make_user(), make_user("yuna@contoso.example")
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False):
        for _ in range(15):
            passwords.was_used(user, PASSWORD)

        with pytest.raises(TooManyPasswords, match=r"^too many passwords$") as refused:
            passwords.was_used(user, PASSWORD)

        assert refused.value.until == timezone.now() + timedelta(hours=1)
        assert limits.count_of(Limit.COMPARED_WITH_FORMER_PASSWORDS, str(user.pk)) == 15
        passwords.was_used(other, PASSWORD)
