"""A setting of the policy is declared once, and everything that lists settings knows it by that."""

import ast
import re
import sys
from contextlib import suppress
from dataclasses import make_dataclass, replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.activities import Activity
from audit.models import Event
from directory.prefills import KIND_OF
from isolation.scope import current_tenant_id, in_tenant
from tenants import queries
from tenants.policy import Policy, all_settings, strictest, values
from tenants.policy.checks import Contradictory
from tenants.policy.choices import Labelled
from tenants.policy.declaration import Section, Setting, Stricter, TextKind, declared_by, setting
from tenants.policy.methods import Factor
from tenants.policy.texts import Phrase
from tenants.queries import policy_in_force
from tests.console.people import behind_both, make_admin, time_passes
from tests.console.test_policy import IMPACT, PAGE, typed
from tests.house import settings_table
from tests.house.test_size import BASE, ours

MADE_UP = {
    "default": 3,
    "section": Section.REGISTRATION,
    "label": Phrase("Days made up"),
    "help_text": Phrase("0 to 9. For a test."),
    "stricter": Stricter.MAX,
    "between": (0, 9),
}
RANGE_IN_HELP = re.compile(r"\b(\d[\d,]*) (?:to|or) (\d[\d,]*)\b")
# Modules that name a setting in a text, and why.
NAMED = {
    ("console/queries/overview.py", "reset_methods"),  # whether anyone changed it
    ("console/queries/overview.py", "methods_required"),
    ("sspr/audit_retention.py", "audit_days"),  # what it was a week ago
    ("verification/rules/access_passes.py", "access_pass_minutes"),  # its lowest value
}
# Names of settings that are words of other things, too.
WORDS = {
    "access_passes",
    "contact",
    "contact_url",
    "groups",
    "lockout_threshold",  # a directory's own
    "questions",
}


def forget_declarations():
    """Lets go of what a process keeps of settings and policies."""
    all_settings.cache_clear()
    queries._parsed.cache_clear()


@pytest.fixture
def declare(monkeypatch):
    """Declares one more setting, until the test ends."""

    def declare():
        policy = make_dataclass(
            "Policy",
            [("made_up_days", int, setting(**MADE_UP))],
            bases=(Policy,),
            frozen=True,
            slots=True,
            kw_only=True,
        )
        for module in ("settings", "values"):
            monkeypatch.setattr(sys.modules[f"tenants.policy.{module}"], "Policy", policy)
        forget_declarations()
        return policy

    yield declare
    forget_declarations()


def in_force():
    with in_tenant(current_tenant_id()):
        return policy_in_force()


def test_a_new_setting_is_on_every_page_and_in_every_file_by_its_declaration(contoso, declare):
    client = behind_both(make_admin())
    declare()

    page = client.get(PAGE)
    assert [field.name for field in page.context["sections"][3]["fields"]][-1] == "made_up_days"
    assert "Days made up" in page.text
    assert "Default: 3." in str(page.context["form"]["made_up_days"].help_text)

    client.post(PAGE, typed(client, made_up_days="7"))
    assert in_force().made_up_days == 7
    event = Event.objects.get(activity=Activity.POLICY_CHANGED)
    record = client.get(f"/admin/audit/{event.pk}/").text
    assert "Days made up" in record
    assert "3 → 7" in record

    time_passes(client, 601)
    waiting = client.post(PAGE, typed(client, made_up_days="8"))
    assert waiting.url == IMPACT
    time_passes(client, 0)
    assert "Days made up" in client.get(IMPACT).text

    wrong = client.post(PAGE, typed(client, made_up_days="10"))
    assert "made_up_days" in wrong.context["form"].errors


def test_a_new_setting_is_known_to_files_and_commands_by_its_declaration(
    contoso, declare, tmp_path
):
    declare()
    slug, file, out = contoso.slug, tmp_path / "policy.yaml", StringIO()

    call_command("export_policy", "--tenant", slug, stdout=out)
    assert "made_up_days: 3" in out.getvalue()
    file.write_text(out.getvalue().replace("made_up_days: 3", "made_up_days: 4"))
    call_command("import_policy", str(file), "--tenant", slug, stdout=out)
    assert in_force().made_up_days == 4
    call_command("set_policy", "made_up_days=5", "--tenant", slug, stdout=out)
    assert in_force().made_up_days == 5
    with pytest.raises(CommandError, match="made_up_days: 0 to 9"):
        call_command("set_policy", "made_up_days=10", "--tenant", slug)


def test_a_new_setting_says_which_of_two_values_is_the_stricter_one(declare):
    policy = declare()

    assert strictest(policy(made_up_days=1), policy(made_up_days=2)).made_up_days == 2
    assert strictest(policy(made_up_days=2), policy(made_up_days=1)).made_up_days == 2


@pytest.mark.parametrize("left_out", ["section", "label", "help_text", "stricter"])
def test_a_setting_that_says_too_little_is_refused(left_out):
    with pytest.raises(TypeError, match=left_out):
        setting(**{name: value for name, value in MADE_UP.items() if name != left_out})


def test_an_attribute_that_is_not_declared_as_a_setting_is_refused():
    policy = make_dataclass("Policy", [("made_up_days", int, 3)])

    with pytest.raises(TypeError, match="made_up_days"):
        declared_by(policy)


@pytest.mark.parametrize("one", all_settings().values(), ids=lambda one: one.name)
def test_a_setting_is_declared_whole(one: Setting):
    assert one.section in Section
    assert one.label.msgid
    assert one.help_text.msgid
    assert (one.between is not None) == (one.item is int)
    assert one.default == getattr(Policy(), one.name)
    if one.stricter is Stricter.INTERSECTION:
        assert one.is_several
    if one.stricter in {Stricter.MAX, Stricter.MIN}:
        assert not one.is_several
        assert one.item is not str
    if one.kind is not TextKind.WORDS:
        assert one.is_several
        assert one.item is str
    if one.offered is not None:
        assert one.offered < set(one.choices)


TEXTS = {
    TextKind.WORDS: "한빛전자",
    TextKind.COUNTRIES: "KR",
    TextKind.HOSTS: "portal.example.com:8443",
    TextKind.GROUPS: "Seoul office",
}


def another_policy(one: Setting):
    """A policy in which this setting isn't as it is by default."""
    choices: list[Any] = [
        choice for choice in one.choices if one.offered is None or choice in one.offered
    ]
    if one.is_several:
        candidates: list[Any] = [frozenset(choices or {TEXTS[one.kind]})]
    elif one.item is bool:
        candidates = [not one.default]
    else:
        candidates = choices or list(one.between or ["https://help.example.com/@"])
    for value in candidates:
        with suppress(Contradictory):
            if value != one.default:
                return replace(Policy(), **{one.name: value})
    raise AssertionError(one.name)


@pytest.mark.parametrize("one", all_settings().values(), ids=lambda one: one.name)
def test_a_setting_comes_back_from_its_row_its_file_and_its_command(one: Setting):
    policy = another_policy(one)

    assert list(values.differences(Policy(), policy)) == [one.name]
    assert values.from_plain(values.to_plain(policy)) == policy
    assert values.from_yaml(values.as_yaml(policy), Policy()) == policy
    assert values.with_changes(Policy(), values.lines(policy)) == policy


@pytest.mark.parametrize("one", all_settings().values(), ids=lambda one: one.name)
def test_the_range_that_the_help_names_is_the_range(one: Setting):
    said = RANGE_IN_HELP.search(one.help_text.msgid)

    if said and one.between:
        assert tuple(int(number.replace(",", "")) for number in said.groups()) == one.between


@pytest.mark.parametrize("kind", Labelled.__subclasses__())
def test_every_choice_has_a_label(kind):
    assert all(one.label.msgid for one in kind)


def test_what_can_be_entered_for_people_is_said_of_the_proof_itself():
    assert {factor for factor in Factor if factor.can_be_entered} == set(KIND_OF)


@pytest.mark.parametrize(
    ("stricter", "before", "now", "result"),
    [
        (Stricter.MAX, 3, 2, 3),
        (Stricter.MAX, False, True, True),
        (Stricter.MAX, Section.METHODS, Section.PROPERTIES, Section.METHODS),
        (Stricter.MIN, 3, 2, 2),
        (Stricter.MIN, True, False, False),
        (Stricter.INTERSECTION, frozenset("ab"), frozenset("bc"), frozenset("b")),
        (Stricter.NOW, 3, 2, 2),
    ],
)
def test_stricter_means(stricter, before, now, result):
    assert stricter.of(before, now) == result


@pytest.mark.parametrize("language", settings_table.PAGES)
def test_the_list_of_settings_is_what_the_declarations_say(language):
    page = settings_table.PAGES[language].read_text()

    assert page == settings_table.page(language), "run: python -m tests.house.settings_table"


@pytest.mark.parametrize(
    ("language", "guide", "heading"),
    [
        ("en", "administrators.md", "| Setting | Note |\n|---|---|\n"),
        ("ko", "administrators.ko.md", "| 설정 | 참고 |\n|---|---|\n"),
    ],
)
def test_the_guide_calls_settings_what_the_page_calls_them(language, guide, heading):
    said = settings_table.translation(language)
    rows = (BASE / "docs" / guide).read_text().partition(heading)[2].partition("\n\n")[0]

    named = {row.split(" | ")[0].removeprefix("| ") for row in rows.splitlines()}

    assert named
    assert named <= {said(setting.label) for setting in all_settings().values()}


def test_a_setting_is_named_in_its_declaration_and_where_it_is_read():
    """Reading it is `policy.code_digits`; its name in quotes would be a second list of settings."""
    named = {
        (path.as_posix(), node.value)
        for path in ours()
        if path.suffix == ".py"
        and path.parts[0] not in {"tests", "bench"}
        and not path.is_relative_to("tenants/policy")
        for node in ast.walk(ast.parse((BASE / path).read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in all_settings().keys() - WORDS
    }

    assert named == NAMED
