import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import (
    Bank,
    CallConfirmation,
    Contact,
    Factor,
    Method,
    OfficeEditor,
    Policy,
    Questions,
    Scope,
    SecondFactor,
    Unknown,
    from_plain,
    to_plain,
)
from tenants.policy.checks import (
    Contradictory,
)
from tenants.policy.values import differences, lines, with_changes

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
NAMED = sorted({method.allowed_as for method in Method})
CHOICES = {
    "self_service": st.sampled_from(Scope),
    "groups": st.frozensets(NAMES, max_size=3),
    "excluded_groups": st.frozensets(NAMES, max_size=3),
    "reset_methods": st.frozensets(st.sampled_from([m for m in NAMED if m != "questions"])),
    "sign_in_methods": st.frozensets(st.sampled_from(NAMED)),
    "sign_in_second_factor": st.sampled_from(SecondFactor),
    "remember_browser_days": st.integers(0, 90),
    "methods_required": st.integers(1, 2),
    "questions": st.sampled_from(Questions),
    "questions_to_register": st.integers(3, 5),
    "questions_to_reset": st.integers(3, 5),
    "question_bank": st.sampled_from(Bank),
    "require_registration": st.booleans(),
    "registration_skip_days": st.integers(0, 14),
    "office_phone_editor": st.sampled_from(OfficeEditor),
    "prefilled_usable": st.frozensets(st.sampled_from(Factor)),
    "contact": st.sampled_from([Contact.MAIL, Contact.OFF]),
    "unlock_without_reset": st.booleans(),
    "code_digits": st.integers(6, 8),
    "call_confirmation": st.sampled_from(CallConfirmation),
    "countries": st.frozensets(st.sampled_from(["KR", "US", "GB"])),
    "daily_message_cap": st.integers(0, 1_000_000),
    "unknown_users": st.sampled_from(Unknown),
    "banned_words": st.frozensets(st.text("가나다abc", min_size=4, max_size=16), max_size=3),
}


@st.composite
def policies(draw):
    chosen = draw(st.fixed_dictionaries({}, optional=CHOICES))
    try:
        return Policy(**chosen)
    except ValueError:
        return Policy()


@given(policies())
def test_policy_comes_back_from_its_row_as_it_went(policy):
    assert from_plain(to_plain(policy)) == policy


@given(policies())
def test_policy_comes_back_from_what_is_printed_as_it_went(policy):
    assert with_changes(Policy(), lines(policy)) == policy


@given(policies(), policies())
def test_differences_are_all_that_differs(before, after):
    changed = differences(before, after)

    news = {name: new for name, (_, new) in changed.items()}
    assert from_plain(to_plain(before) | news) == after
    assert all(old != new for old, new in changed.values())


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        (["methods_required=3"], "methods_required"),
        (["methods_required=two"], "methods_required"),
        (["methods_required=2", "reset_methods=mobile_text,mobile_call"], "reset_methods"),
        (["reset_methods="], "reset_methods"),
        (["reset_methods=email,questions"], "reset_methods"),
        (["reset_methods=pigeon"], "reset_methods"),
        (["self_service=groups"], "groups"),
        (["self_service=some"], "self_service"),
        (["questions_to_register=3", "questions_to_reset=4"], "questions_to_register"),
        (["notify_on_reset=perhaps"], "notify_on_reset"),
        (["countries=kr"], "countries"),
        (["contact=url"], "contact_url"),
        (["contact=address"], "contact_address"),
        (["password_min_length=7"], "password_min_length"),
        (["banned_words=abc"], "banned_words"),
        (["colour=blue"], "colour"),
        (["self_service"], "self_service"),
    ],
    ids=" ".join,
)
def test_contradiction_is_refused_and_the_setting_is_named(changes, setting):
    with pytest.raises(ValueError, match=rf"^{setting}: "):
        with_changes(Policy(), changes)


def test_all_contradictions_are_reported_with_the_settings_that_they_are_between():
    with pytest.raises(Contradictory, match=r"^code_digits: 6 to 8$") as refused:
        Policy(
            self_service=Scope.GROUPS,
            reset_methods=frozenset({Method.ALTERNATE_TEXT}),
            answer_min_length=9,
            answer_max_length=8,
            code_digits=99,
        )

    assert {one.code: one.shown_at for one in refused.value.contradictions} == {
        "impossible_value": ("code_digits",),
        "no_group": ("groups", "self_service"),
        "alternate_phone_named": ("reset_methods", "methods_required"),
        "too_few_factors": ("reset_methods", "methods_required"),
        "answer_lengths": ("answer_max_length", "answer_min_length"),
    }
