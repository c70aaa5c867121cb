import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from console.forms.policy_words import in_words
from isolation.scope import current_tenant_id, in_tenant
from tenants.models import DisabledQuestion, Group
from tenants.policy import Contact, Method, Policy, Questions, Scope, all_settings
from tenants.predefined_questions import PREDEFINED
from tenants.queries import policy_edition, policy_in_force
from tenants.roles import Role
from tenants.services import change_policy, save_policy
from tests.builders import make_email, make_phone, make_tenant, make_user
from tests.console.people import behind_both, make_admin, make_operator, time_passes
from tests.threads import all_at_once

PAGE, IMPACT = "/admin/policy/", "/admin/policy/impact/"
OPEN = Policy(self_service=Scope.ALL)
BASE = Path(__file__).resolve().parents[2]
ROOMS = (
    "account",
    "reset",
    "registration",
    "verification",
    "directory",
    "delivery",
    "passwords",
    "limits",
)


@pytest.fixture
def admin(contoso):
    change_policy(OPEN)
    return behind_both(make_admin())


def in_force() -> Policy:
    """As the next request would find it: what this test has read isn't asked."""
    with in_tenant(current_tenant_id()):
        return policy_in_force()


def typed(client: Client, **changes) -> dict[str, object]:
    """What a browser would send after these changes."""
    form = client.get(PAGE).context["form"]
    data = {}
    for field in form:
        value = changes.get(field.name, field.value())
        if value is True:
            value = "on"
        if value is not False and value is not None:
            data[field.name] = value
    return data


def save(client: Client, **changes):
    return client.post(PAGE, typed(client, **changes))


def test_every_setting_is_on_the_page_once(admin):
    sections = admin.get(PAGE).context["sections"]

    shown = [field.name for section in sections for field in section["fields"]]
    assert sorted(shown) == sorted(field.name for field in dataclasses.fields(Policy))


def test_every_setting_is_read_where_it_has_an_effect():
    readers = [*ROOMS, "sspr", "tenants/queries", "tenants/services"]
    files = [file for reader in readers for file in (BASE / reader).rglob("*.py")]
    source = "\n".join(file.read_text() for file in files)
    unread = {name for name in all_settings() if not is_read(name, source)}

    assert unread <= by_methods_of_policy(source)


def is_read(name, source):
    return re.search(rf"\.{name}\b", source)


def by_methods_of_policy(source):
    """What is read by methods of the policy that something reads, such as `code_lifetime`."""
    (policy,) = ast.parse(inspect.getsource(Policy)).body
    return {
        node.attr
        for method in policy.body
        if isinstance(method, ast.FunctionDef) and is_read(method.name, source)
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
    }


def test_every_setting_says_its_default(admin):
    form = admin.get(PAGE).context["form"]

    for name, setting in all_settings().items():
        said = str(form[name].help_text)
        default = in_words(setting, getattr(Policy(), name))
        assert "Empty by default." in said if default == "–" else f"Default: {default}." in said


def test_what_a_tick_means_stands_below_it_where_it_belongs_to_nothing_else(admin):
    page = admin.get(PAGE).text
    tick = page.index('name="notify_on_reset"')
    meaning = page.index('id="id_notify_on_reset_helptext"')

    assert tick < meaning < page.index('name="notify_on_method_change"')
    assert 'aria-describedby="id_notify_on_reset_helptext"' in page


def test_sentences_of_a_hint_end_before_the_next_begins(admin):
    page = admin.get(PAGE, {"lng": "ko"}, follow=True).text
    defaults = re.findall(r"<span>(기본값: [^<]*)</span>", page)

    assert len(defaults) > 10
    assert [each for each in defaults if not each.endswith(".")] == []


def test_choices_that_are_stored_alike_are_told_apart(admin):
    form = admin.get(PAGE).context["form"]

    assert str(dict(form["questions"].field.choices)[Questions.OFF.value]) == "Off"
    assert str(dict(form["contact"].field.choices)[Contact.OFF.value]) == "Not offered"


def test_what_holds_for_administrators_anyway_can_be_read_but_not_set(admin):
    section = admin.get(PAGE).text.partition('aria-labelledby="admins"')[2].partition("<input")[0]

    assert "Administrators always need two different methods" in section
    assert "<dd>2</dd>" in section
    assert "<dd>Off</dd>" in section


def test_only_what_can_be_entered_for_people_can_be_trusted_unconfirmed(admin):
    choices = admin.get(PAGE).context["form"]["prefilled_usable"].field.choices

    assert {value for value, _ in choices} == {"office_phone", "mobile_phone", "email"}


def test_saving_what_was_not_touched_changes_nothing(admin):
    answer = save(admin)

    assert answer.url == PAGE
    assert in_force() == OPEN
    assert "0 settings changed" in admin.get(PAGE).text


def test_what_takes_nothing_from_anybody_is_saved_at_once_and_audited(admin):
    save(admin, code_digits="6", notify_admins=False)

    assert in_force().code_digits == 6
    assert not in_force().notify_admins
    events = Event.objects.filter(activity=Activity.POLICY_CHANGED, details__setting="code_digits")
    assert [(e.details["old"], e.details["new"]) for e in events] == [("8", "6")]
    assert events[0].actor_id != events[0].subject_id


def test_hosts_are_stored_as_they_are_compared(admin):
    save(admin, return_to_hosts="Portal.Contoso.example\n한빛.example:443\r\na.example:8443")

    hosts = {"portal.contoso.example", "xn--xx3br43b.example", "a.example:8443"}
    assert in_force().return_to_hosts == hosts


def test_who_would_lose_the_reset_is_named_before_anything_is_saved(admin):
    loser = make_user("loser@contoso.example")
    make_email(loser)
    lucky = make_user("lucky@contoso.example")
    make_email(lucky)
    make_phone(lucky)

    answer = save(admin, methods_required="2")
    page = admin.get(answer.url)

    assert answer.url == IMPACT
    assert in_force() == OPEN
    assert "1 of 3 people could no longer reset their password" in page.text
    assert "loser@contoso.example" in page.text
    assert "lucky@contoso.example" not in page.text
    listed = b"".join(admin.get("/admin/policy/impact.csv").streaming_content).decode()
    assert "loser@contoso.example" in listed
    assert "lucky@contoso.example" not in listed

    admin.post(IMPACT)

    assert in_force().methods_required == 2


@pytest.mark.parametrize("upn", ["=cmd@contoso.example", "'=cmd@contoso.example"])
def test_formulas_in_the_list_stay_text(admin, upn):
    make_email(make_user(upn))
    save(admin, methods_required="2")

    listed = b"".join(admin.get("/admin/policy/impact.csv").streaming_content).decode()

    assert f'"\'{upn}"' in listed


def test_a_dangerous_change_asks_for_the_second_factor_again_and_keeps_what_was_typed(admin):
    make_email(make_user("loser@contoso.example"))
    time_passes(admin, 601)
    data = typed(admin, methods_required="2")

    answer = admin.post(PAGE, data, follow=True)

    assert answer.request["PATH_INFO"] == "/admin/second-factor/"
    assert admin.post(IMPACT).url == "/admin/second-factor/"
    assert in_force() == OPEN
    time_passes(admin, 0)
    assert "loser@contoso.example" in admin.get(IMPACT).text


def test_even_a_harmless_change_asks_again_after_ten_minutes(admin):
    time_passes(admin, 601)

    assert save(admin, code_digits="6").url == IMPACT
    assert in_force() == OPEN


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"questions_to_register": "3", "questions_to_reset": "5"}, {"questions_to_reset"}),
        (
            {"reset_methods": ["mobile_text", "mobile_call"], "methods_required": "2"},
            {"reset_methods", "methods_required"},
        ),
        (
            {"answer_min_length": "9", "answer_max_length": "8"},
            {"answer_min_length", "answer_max_length"},
        ),
        ({"self_service": "groups"}, {"self_service", "groups"}),
        ({"code_digits": "9"}, {"code_digits"}),
        ({"code_digits": ""}, {"code_digits"}),
        ({"contact": "url", "contact_url": "http://plain.example"}, {"contact", "contact_url"}),
        ({"contact": "address", "contact_address": "nobody"}, {"contact", "contact_address"}),
        ({"contact_url": "javascript:alert(1)"}, {"contact_url"}),
        (
            {"contact": "url", "contact_url": "https://a.example", "contact_address": "x"},
            {"contact_address"},
        ),
        ({"reset_methods": ["authenticator"]}, {"reset_methods"}),
        ({"countries": "KOREA"}, {"countries"}),
        ({"banned_words": "abc"}, {"banned_words"}),
        ({"return_to_hosts": "*.contoso.example"}, {"return_to_hosts"}),
        ({"return_to_hosts": "https://contoso.example"}, {"return_to_hosts"}),
        ({"reset_methods": ["questions"]}, {"reset_methods"}),
        ({"self_service": "everybody"}, {"self_service"}),
        ({"groups": ["No such group"]}, {"groups"}),
        (
            {"questions": "second", "question_bank": "custom"},
            {"question_bank", "questions_to_register"},
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_contradicts_itself_is_said_at_the_fields_and_nothing_is_lost(admin, changes, fields):
    page = save(admin, code_minutes="7", **changes)

    wrong = page.context["form"].errors
    assert wrong
    assert fields <= set(wrong)
    assert page.context["form"]["code_minutes"].value() == "7"
    assert in_force() == OPEN


@pytest.mark.parametrize("typed_in", ["-1", "1000001", "many", ""])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Enter a whole number from 0 to 1,000,000."),
        ("ko", "0~1,000,000 사이의 숫자를 입력하세요."),
    ],
)
def test_a_number_out_of_range_is_answered_with_the_range(admin, typed_in, language, words):
    data = typed(admin, daily_message_cap=typed_in)
    page = admin.post(PAGE, data, headers={"accept-language": language})

    assert page.context["form"].errors["daily_message_cap"] == [words]


def test_the_summary_names_every_setting_that_is_wrong_and_leads_there(admin):
    page = save(admin, code_digits="9", reset_methods=["pigeon"]).text

    told = dict(re.findall(r'<a href="#(id_\w+)">([^<]+: [^<]+)</a>', page))
    assert told["id_code_digits"].startswith("Digits of a code: Enter a whole number from 6 to 8.")
    assert told["id_reset_methods_0"].startswith("Methods allowed for reset: Select a valid choice")


def test_a_contradiction_is_told_in_the_summary_once_for_each_setting(admin):
    page = save(admin, questions_to_register="3", questions_to_reset="5").text

    told = re.findall(r'<a href="#(id_questions_\w+)">([^<]+): ', page)
    assert [target for target, _ in told] == ["id_questions_to_register", "id_questions_to_reset"]
    assert len({label for _, label in told}) == 2


def test_two_administrators_at_once_the_second_compares_first(admin):
    seen = typed(admin, code_digits="6")
    change_policy(dataclasses.replace(OPEN, code_minutes=9))

    page = admin.post(PAGE, seen)

    assert "Someone else changed this policy" in page.text
    assert in_force().code_minutes == 9
    assert in_force().code_digits == 8
    assert page.context["form"]["code_digits"].value() == "6"


def test_a_change_that_waits_isnt_saved_over_somebody_elses(admin):
    make_email(make_user("loser@contoso.example"))
    save(admin, methods_required="2")
    change_policy(dataclasses.replace(OPEN, code_minutes=9))

    page = admin.post(IMPACT)

    assert page.status_code == 200
    assert in_force().methods_required == 1
    assert admin.post(IMPACT).url == PAGE
    assert in_force().methods_required == 2


def test_who_returns_to_a_change_that_waits_hears_of_somebody_elses(admin):
    make_email(make_user("loser@contoso.example"))
    save(admin, methods_required="2")
    change_policy(dataclasses.replace(OPEN, code_minutes=9))

    page = admin.get(IMPACT)

    assert "Someone else changed this policy just now" in page.text
    assert "Minutes a text or call is valid" in page.text


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_the_same_moment_one_is_told_to_compare(contoso):
    seen = policy_edition()
    admin = make_admin()
    typed = dataclasses.replace(in_force(), code_digits=6)

    def act():
        return save_policy(typed, seen=seen, actor_id=admin.pk)

    results = all_at_once(4, act, tenant_id=contoso.pk)

    assert sum(result is not None for result in results) == 1
    assert Event.objects.filter(details__setting="code_digits").count() == 1


def test_a_group_that_went_away_while_the_change_waited_is_named(admin):
    group = Group.objects.create(name="Pilot")
    make_email(make_user("loser@contoso.example"))
    save(admin, self_service="groups", groups=["Pilot"])
    group.delete()

    answer = admin.post(IMPACT, follow=True)

    assert answer.request["PATH_INFO"] == PAGE
    assert "The group “Pilot” doesn’t exist." in answer.text
    assert in_force() == OPEN


def test_questions_that_went_away_while_the_change_waited_are_missed(admin):
    make_email(make_user("loser@contoso.example"))
    save(admin, methods_required="2", questions="gate", questions_to_register="5")
    switched_off = [DisabledQuestion(question_id=qid) for qid in list(PREDEFINED)[4:]]
    DisabledQuestion.objects.bulk_create(switched_off)

    answer = admin.post(IMPACT, follow=True)

    assert "Offer at least 5 questions" in answer.text
    assert in_force() == OPEN


def test_groups_are_chosen_by_name(admin):
    Group.objects.create(name="Seoul, office")

    save(admin, self_service="groups", groups=["Seoul, office"])
    admin.post(IMPACT)

    assert in_force().groups == {"Seoul, office"}


def test_above_a_hundred_groups_names_are_typed(admin):
    Group.objects.bulk_create([Group(name=f"group {n}") for n in range(101)])

    save(admin, self_service="groups", groups="group 7\ngroup 8")
    admin.post(IMPACT)
    wrong = save(admin, groups="group 7\nnobody here")

    assert in_force().groups == {"group 7", "group 8"}
    assert "The group “nobody here” doesn’t exist." in wrong.text


@pytest.mark.parametrize(
    ("methods", "warned"),
    [
        ({Method.RECOVERY_CODE}, True),
        ({Method.RECOVERY_CODE, Method.EMAIL}, False),
    ],
    ids=["codes only", "codes and mail"],
)
def test_a_policy_that_nobody_could_register_for_is_warned_of(admin, methods, warned):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset(methods)))

    assert ("no one can register" in admin.get(PAGE).text) == warned


def test_what_goes_for_both_phones_is_one_choice(admin):
    page = admin.get(PAGE).text

    assert 'value="mobile_text"' in page
    assert "alternate_" not in page


def test_weak_choices_are_warned_of(admin):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_CALL})))

    text = admin.get(PAGE).text

    assert "anyone who has the phone" in text
    assert "Phones are the only methods" in text


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
@pytest.mark.parametrize("path", [PAGE, IMPACT, "/admin/policy/impact.csv"])
def test_other_roles_have_no_policy_page(contoso, role, path):
    client = behind_both(make_admin("other@contoso.example", role=role))

    assert client.get(path).status_code == 404
    assert client.post(path).status_code in {404, 405}


def test_a_change_that_waits_stays_in_its_organisation(hanbit, db):
    other = make_tenant("third")
    client = behind_both(make_operator())
    client.post(f"/admin/organisations/{hanbit.pk}/enter/")
    with in_tenant(hanbit.pk):
        make_email(make_user("kim@hanbit.example"))
    save(client, methods_required="2")
    client.post(f"/admin/organisations/{other.pk}/enter/")

    assert client.get(IMPACT).url == PAGE
    assert client.post(IMPACT).url == PAGE
    with in_tenant(other.pk):
        assert in_force().methods_required == 1
