"""Every contradiction and objection: what leads to it, the settings that show it, and its words."""

import pytest

from tenants.policy import Contact, Method, Policy, Questions, Scope
from tenants.policy import checks as policy_checks
from tenants.policy.checks import Contradiction, Contradictory, objections
from tenants.policy.texts import Phrase

TWICE = frozenset({Method.MOBILE_TEXT, Method.MOBILE_CALL})


def policy(**decided):
    return Policy(self_service=Scope.ALL, **decided)


def every():
    return [one for one in vars(policy_checks).values() if isinstance(one, Contradiction)]


def hosts(count):
    return frozenset(f"a{number}.example" for number in range(count))


def words(count, letters=4):
    return frozenset(f"{number:0{letters}d}" for number in range(count))


CONTRADICTIONS = [
    ("no_group", "groups", ("self_service",), "name at least one, or choose none or all",
        {"self_service": Scope.GROUPS}),
    ("questions_as_method", "reset_methods", ("methods_required",),
        "security questions are set by questions=second|gate",
        {"reset_methods": frozenset({Method.EMAIL, Method.QUESTIONS})}),
    ("alternate_phone_named", "reset_methods", ("methods_required",),
        "mobile_text and mobile_call stand for both phones",
        {"reset_methods": frozenset({Method.ALTERNATE_TEXT})}),
    ("alternate_phone_named", "reset_methods", ("methods_required",),
        "mobile_text and mobile_call stand for both phones",
        {"sign_in_methods": frozenset({Method.ALTERNATE_CALL})}),
    ("too_few_factors", "reset_methods", ("methods_required",),
        "fewer factors than methods_required",
        {"reset_methods": TWICE, "methods_required": 2}),
    ("no_method", "reset_methods", ("methods_required",), "at least one",
        {"reset_methods": frozenset(), "questions": Questions.SECOND}),
    ("fewer_questions_registered", "questions_to_register", ("questions_to_reset",),
        "at least questions_to_reset", {"questions_to_register": 3, "questions_to_reset": 4}),
    ("answer_lengths", "answer_max_length", ("answer_min_length",), "at least answer_min_length",
        {"answer_min_length": 9, "answer_max_length": 8}),
    ("not_a_country", "countries", (), "ISO codes of two capital letters, like KR",
        {"countries": frozenset({"KR", "kr"})}),
    ("not_a_country", "countries", (), "ISO codes of two capital letters, like KR",
        {"countries": frozenset({"KR", "KOR"})}),
    ("no_contact_url", "contact_url", ("contact",), "an https:// address",
        {"contact": Contact.URL, "contact_url": "http://help.example"}),
    ("no_contact_address", "contact_address", ("contact",), "an email address",
        {"contact": Contact.ADDRESS, "contact_address": "help"}),
    ("not_hosts", "return_to_hosts", (), "up to 50 like portal.example.com or a.example:8443",
        {"return_to_hosts": hosts(51)}),
    ("banned_word_lengths", "banned_words", (), "up to 1000 words of 4 to 16 characters",
        {"banned_words": words(1_001)}),
    ("banned_word_lengths", "banned_words", (), "up to 1000 words of 4 to 16 characters",
        {"banned_words": frozenset({"long", "a" * 17})}),
    ("pass_minutes", "access_pass_minutes", ("access_pass_most_minutes",),
        "at most access_pass_most_minutes",
        {"access_pass_minutes": 61, "access_pass_most_minutes": 60}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "field", "also", "says", "decided"), CONTRADICTIONS)
def test_a_contradiction_is_reported_at_its_settings(code, field, also, says, decided):
    with pytest.raises(Contradictory, match=f"^{field}: ") as refused:
        Policy(**({"self_service": Scope.ALL} | decided))

    told = [
        (one.code, one.field, one.also, one.says)
        for one in refused.value.contradictions
        if one.code == code
    ]
    assert told == [(code, field, also, says)]


@pytest.mark.parametrize(
    ("code", "field", "says", "decided"),
    [
        ("contact_url_scheme", "contact_url", "an https:// address", {"contact_url": "http://a"}),
        ("contact_address_form", "contact_address", "an email address", {"contact_address": "a"}),
        (
            "app_alone",
            "reset_methods",
            "another besides the app, for users who lose it",
            {"reset_methods": frozenset({Method.AUTHENTICATOR})},
        ),
        (
            "token_alone",
            "reset_methods",
            "another besides the hardware token, for users who lose it",
            {"reset_methods": frozenset({Method.OATH_TOKEN})},
        ),
    ],
)
def test_what_an_older_policy_may_have_is_objected_to(code, field, says, decided):
    (told,) = objections(policy(**decided))

    assert (told.code, told.field, told.also, told.says) == (code, field, (), says)


@pytest.mark.parametrize(
    "decided",
    [
        {},
        {"contact_url": "https://help.example", "contact": Contact.URL},
        {"contact_address": "help@help.example", "contact": Contact.ADDRESS},
        {"reset_methods": frozenset({Method.AUTHENTICATOR, Method.EMAIL})},
        {"reset_methods": frozenset({Method.AUTHENTICATOR, Method.OATH_TOKEN})},
        {"reset_methods": frozenset({Method.AUTHENTICATOR}), "questions": Questions.GATE},
        {"reset_methods": frozenset(), "questions": Questions.GATE},
        {"self_service": Scope.GROUPS, "groups": frozenset({"Staff"})},
        {"questions_to_register": 4, "questions_to_reset": 4},
        {"answer_min_length": 9, "answer_max_length": 9},
        {"return_to_hosts": hosts(50)},
        {"banned_words": words(1_000)},
        {"banned_words": words(3, letters=16)},
        {"access_pass_minutes": 60, "access_pass_most_minutes": 60},
        {"countries": frozenset({"KR", "US"})},
    ],
)
def test_the_last_value_that_is_possible_is_taken(decided):
    assert objections(Policy(**({"self_service": Scope.ALL} | decided))) == ()


@pytest.mark.parametrize(
    ("host", "is_taken"),
    [
        ("portal.example.com", True),
        ("a.example:8443", True),
        ("a.example:65535", True),
        ("a.example:65536", False),
        ("a.example:443", False),
        ("a.example:0", False),
        ("Portal.example", False),
        ("example", False),
        ("192.0.2.7", False),
        ("a-.example", False),
        ("https://a.example", False),
        ("포털.example", False),
    ],
)
def test_a_host_is_written_as_addresses_are_compared(host, is_taken):
    decided = {"return_to_hosts": frozenset({host, "portal.example"})}

    if is_taken:
        assert policy(**decided).return_to_hosts >= {host}
    else:
        with pytest.raises(Contradictory, match=r"^return_to_hosts: "):
            policy(**decided)


def test_each_has_words_of_its_own_setting_for_the_page():
    assert len({one.code for one in every()}) == len(every())
    for one in every():
        assert isinstance(one.words, Phrase)
        assert one.words.msgid
        assert one.shown_at == (one.field, *one.also)
        assert one.concerns == {one.field, *one.also, *one.depends_on}


def test_too_few_questions_are_reported_at_both_settings():
    one = policy_checks.TOO_FEW_QUESTIONS

    assert (one.code, one.shown_at, one.says) == (
        "too_few_questions",
        ("question_bank", "questions_to_register"),
        "fewer than {count} on offer",
    )


@pytest.mark.parametrize("code", ["APP_ALONE", "TOKEN_ALONE", "TOO_FEW_QUESTIONS"])
def test_what_it_depends_on_besides_is_known(code):
    assert "questions" in getattr(policy_checks, code).concerns


@pytest.mark.parametrize(("digits", "is_taken"), [(5, False), (6, True), (8, True), (9, False)])
def test_a_number_out_of_range_is_reported_with_its_range(digits, is_taken):
    if is_taken:
        assert policy(code_digits=digits).code_digits == digits
        return
    with pytest.raises(Contradictory, match=r"^code_digits: 6 to 8$") as refused:
        policy(code_digits=digits)
    (told,) = refused.value.contradictions
    assert (told.code, told.field, told.words) == (
        "impossible_value", "code_digits", Phrase("This value isn’t allowed here."),
    )  # fmt: skip
