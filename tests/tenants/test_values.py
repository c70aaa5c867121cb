"""How policies are written in rows, files and on command lines, and what is refused there."""

import pytest

from tenants.policy import Method, Policy, Questions, Scope, for_administrators, strictest
from tenants.policy.checks import Contradictory
from tenants.policy.declaration import Stricter
from tenants.policy.values import (
    as_yaml,
    from_plain,
    from_yaml,
    lines,
    plain,
    to_plain,
    with_changes,
    written,
)

SCOPES = " | ".join(Scope)


def changed(*assignments):
    return with_changes(Policy(self_service=Scope.ALL), list(assignments))


def read(text):
    return from_yaml(text, Policy(self_service=Scope.ALL))


@pytest.mark.parametrize(
    ("value", "as_json", "as_text"),
    [
        (frozenset({"b", "a"}), ["a", "b"], "a,b"),
        (frozenset({Method.EMAIL}), ["email"], "email"),
        (Scope.GROUPS, "groups", "groups"),
        (True, True, "yes"),
        (False, False, "no"),
        (8, 8, "8"),
        ("text", "text", "text"),
    ],
)
def test_a_value_is_written(value, as_json, as_text):
    assert plain(value) == as_json
    assert type(plain(value)) is type(as_json)
    assert written(plain(value)) == as_text


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [(text, True) for text in ("yes", "true", "on", "1", "YES")]
    + [(text, False) for text in ("no", "false", "off", "0", "No")],
)
def test_yes_and_no_are_read_in_these_words(text, is_yes):
    assert changed(f"notify_on_reset={text}").notify_on_reset is is_yes


def test_assignments_are_read_with_blanks_around_and_equals_signs_within():
    policy = changed(
        "groups= Staff , Guests,, ", "code_digits= 7 ", "contact_url=https://a.example/?b=c"
    )

    assert policy.groups == {"Staff", "Guests"}
    assert policy.code_digits == 7
    assert policy.contact_url == "https://a.example/?b=c"


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("self_service=some", f"self_service: {SCOPES}"),
        ("notify_on_reset=perhaps", "notify_on_reset: yes or no"),
        ("code_digits=seven", "code_digits: a whole number"),
        ("code_digits=٧", "code_digits: a whole number"),
        ("code_digits=-7", "code_digits: a whole number"),
        ("reset_methods=pigeon", f"reset_methods: {' | '.join(Method)}"),
    ],
)
def test_what_a_setting_takes_is_reported(assignment, says):
    with pytest.raises(Contradictory) as refused:
        changed(assignment)

    assert str(refused.value) == says


@pytest.mark.parametrize("assignment", ["colour=blue", "code_digits"])
def test_a_setting_that_there_is_not_is_reported_with_those_there_are(assignment):
    with pytest.raises(ValueError, match=r"no such setting; there are .*code_digits, .*groups"):
        changed(assignment)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"code_digits": "seven"}, "code_digits: a whole number"),
        ({"groups": "Staff"}, "groups: a comma-separated list"),
        ({"self_service": 7}, f"self_service: {SCOPES}"),
    ],
)
def test_a_row_of_another_kind_is_refused(values, says):
    with pytest.raises(Contradictory) as refused:
        from_plain(values)

    assert str(refused.value) == says


def test_a_row_may_lack_settings_and_have_some_of_a_later_version():
    assert from_plain({"code_digits": 7, "colour": "blue"}) == Policy(code_digits=7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML, line 1"),
        ("code_digits: 7\nb: ]", "not YAML, line 2"),
        ("\x01", "not YAML"),
        ("just words", "not a list of settings, NAME: VALUE on each line"),
        ("", "not a list of settings, NAME: VALUE on each line"),
        ("zebra: 1\ncolour: blue", "colour: no such setting"),
        ("groups: Staff", "groups: a list"),
        ("code_digits: '7'", "code_digits: a whole number"),
        ("code_digits: yes", "code_digits: a whole number"),
        ("notify_on_reset: 1", "notify_on_reset: yes or no"),
    ],
)
def test_what_is_wrong_with_a_file_is_reported(text, says):
    with pytest.raises(ValueError, match=r".") as refused:
        read(text)

    assert str(refused.value) == says


def test_a_file_changes_what_it_names():
    policy = read("questions: off\ngroups: [1, Staff]\ncode_digits: 7\nnotify_on_reset: no\n")

    assert policy == Policy(
        self_service=Scope.ALL,
        questions=Questions.OFF,
        groups=frozenset({"1", "Staff"}),
        code_digits=7,
        notify_on_reset=False,
    )
    assert read("contact_url:") == Policy(self_service=Scope.ALL)


def test_a_file_has_every_setting_in_the_order_of_the_page_and_letters_as_they_are():
    policy = Policy(self_service=Scope.ALL, groups=frozenset({"직원"}))
    text = as_yaml(policy)

    names = [line.partition(":")[0] for line in text.splitlines() if line[0] not in " -"]
    assert names == list(to_plain(policy)) == [line.partition("=")[0] for line in lines(policy)]
    assert "직원" in text
    assert "groups=직원" in lines(policy)


@pytest.mark.parametrize(
    ("stricter", "before", "now", "holds"),
    [
        (Stricter.MAX, 1, 2, 2),
        (Stricter.MAX, 2, 1, 2),
        (Stricter.MAX, True, False, True),
        (Stricter.MIN, 1, 2, 1),
        (Stricter.MIN, True, False, False),
        (Stricter.MIN, Questions.GATE, Questions.OFF, Questions.OFF),
        (Stricter.MAX, Questions.SECOND, Questions.GATE, Questions.GATE),
        (Stricter.INTERSECTION, frozenset("ab"), frozenset("bc"), frozenset("b")),
        (Stricter.NOW, 1, 2, 2),
        (Stricter.NOW, 2, 1, 1),
    ],
)
def test_of_two_values_the_stricter_one_holds(stricter, before, now, holds):
    assert stricter.of(before, now) == holds


def test_policies_that_leave_no_method_between_them_leave_no_policy():
    mail = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.EMAIL}))
    text = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_TEXT}))

    assert strictest(mail, text) is None
    assert strictest(mail, mail) == mail


def test_administrators_prove_two_things_and_answer_no_questions():
    policy = Policy(
        self_service=Scope.ALL,
        reset_methods=frozenset({Method.EMAIL, Method.MOBILE_TEXT}),
        questions=Questions.GATE,
    )

    derived = for_administrators(policy)

    assert (derived.methods_required, derived.questions) == (2, Questions.OFF)
    assert derived.reset_methods == policy.reset_methods
    alone = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.EMAIL}))
    assert for_administrators(alone) is None
