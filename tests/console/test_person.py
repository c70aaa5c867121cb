"""The page of a person: what prevents a reset, what helps, and masked contact data."""

from contextlib import suppress

import pytest
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from directory.models import DirectoryAccount, Membership, User
from directory.queries import prefilled
from tenants.models import Group
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.builders import (
    make_email,
    make_phone,
    make_prefill,
    make_recovery_codes,
    make_second_phone,
    make_user,
    of_kind,
)
from tests.console.people import make_admin
from tests.pages import without_random
from tests.provisioning.directory import make_connection
from verification.services import factors
from verification.services.guesses import Throttled, count_a_guess

LIST = "/admin/people/"
HOME, HOME_2 = "ann.home@mail.example", "ann.new@mail.example"


@pytest.fixture
def ann(contoso):
    return make_user("ann@contoso.example")


def cures(page):
    return [remedy.url for remedy in page.context["remedies"]]


def pause(user):
    with suppress(Throttled):
        while True:
            count_a_guess(user.pk)


def look_at(client, person):
    return client.get(f"{LIST}{person.pk}/")


def enter(client, person, **typed):
    """Sends the form as a browser does, with the values of its fields."""
    page = client.get(f"{LIST}{person.pk}/contact/")
    return client.post(f"{LIST}{person.pk}/contact/", page.context["form"].initial | typed)


def test_too_few_methods_are_cured_by_contact_data_registration_or_the_policy(admin, ann):
    page = look_at(admin, ann)

    assert "We couldn’t verify your account" in page.text
    assert cures(page) == [
        f"{LIST}{ann.pk}/contact/",
        f"{LIST}{ann.pk}/do/reregister/",
        "/admin/policy/#methods",
    ]


def test_a_disabled_account_is_cured_by_enabling_it(admin, ann):
    make_email(ann)
    User.objects.filter(pk=ann.pk).update(enabled=False)

    page = look_at(admin, ann)

    assert "The account is disabled" in page.text
    assert cures(page) == [f"{LIST}{ann.pk}/do/enable/"]


def test_a_policy_that_is_off_is_cured_by_the_policy(admin, ann):
    make_email(ann)
    change_policy(Policy(self_service=Scope.NONE))

    page = look_at(admin, ann)

    assert "Your account isn’t enabled for password reset" in page.text
    assert "Self-service is off for everyone" in page.text
    assert cures(page) == ["/admin/policy/#properties"]


def test_an_administrator_who_may_not_reset_is_told_apart_from_somebody_out_of_scope(admin):
    change_policy(Policy(self_service=Scope.ALL, admin_self_reset=False))
    me = User.objects.get(upn="admin@contoso.example")

    page = look_at(admin, me)

    assert "Administrators can’t reset" in page.text
    assert cures(page) == ["/admin/policy/#admins"]


def test_nothing_is_offered_that_could_not_help_with_a_password_kept_elsewhere(admin, ann):
    make_email(ann)
    User.objects.filter(pk=ann.pk).update(connector="ldap")

    page = look_at(admin, ann)

    assert page.context["eligibility"].refusal == "R01"
    assert cures(page) == []
    assert "What would help" not in page.text
    assert "Issue a temporary password" not in page.text
    assert admin.get(f"{LIST}{ann.pk}/do/temporary-password/").status_code == 404


def test_helpdesk_is_offered_only_what_helpdesk_may_do(helpdesk, ann):
    page = look_at(helpdesk, ann)

    assert cures(page) == [f"{LIST}{ann.pk}/do/reregister/"]
    assert "/admin/policy/" not in page.text
    assert cures(look_at(helpdesk, make_admin("boss@contoso.example"))) == []


def test_every_cure_is_a_page_that_opens(admin, ann):
    for url in cures(look_at(admin, ann)):
        assert admin.get(url).status_code == 200


@pytest.mark.parametrize(
    ("member_of", "words"),
    [
        ("Staff", "In scope through the group Staff"),
        ("Guests", "Not in scope: excluded by the group Guests"),
        ("Others", "Not in scope: in none of the selected groups"),
    ],
)
def test_the_page_says_through_what_somebody_is_in_scope(admin, ann, member_of, words):
    for name in ("Staff", "Guests", "Others"):
        Group.objects.create(name=name)
    Membership.objects.create(user=ann, group=Group.objects.get(name=member_of))
    change_policy(
        Policy(
            self_service=Scope.GROUPS,
            groups=frozenset({"Staff"}),
            excluded_groups=frozenset({"Guests"}),
        )
    )

    assert words in look_at(admin, ann).text


def test_the_form_shows_contact_data_in_part_only(admin, ann):
    make_prefill(ann, Factor.EMAIL, HOME)
    make_prefill(ann, Factor.OFFICE_PHONE, "+82212345678")

    text = admin.get(f"{LIST}{ann.pk}/contact/").text

    assert "a•••e@m•••.example" in text
    assert HOME not in text
    assert "12345678" not in text


def test_what_is_left_as_it_is_stays(admin, ann):
    make_prefill(ann, Factor.EMAIL, HOME)
    make_prefill(ann, Factor.OFFICE_PHONE, "+82212345678")

    enter(admin, ann, mobile_phone="010-2222-3333")

    known = {factor: row.value for factor, row in prefilled(ann.pk).items()}
    assert known == {
        Factor.EMAIL: HOME,
        Factor.OFFICE_PHONE: "+82212345678",
        Factor.MOBILE_PHONE: "+821022223333",
    }
    assert [e.details["method"] for e in Event.objects.filter(activity="contact_data_changed")] == [
        "mobile_phone"
    ]


def test_what_is_changed_in_part_is_refused(admin, ann):
    make_prefill(ann, Factor.OFFICE_PHONE, "+82212345678")

    page = enter(admin, ann, office_phone="••• ••• ••79")

    assert set(page.context["form"].errors) == {"office_phone"}
    assert prefilled(ann.pk)[Factor.OFFICE_PHONE].value == "+82212345678"


@pytest.mark.parametrize("address", ["ann@contoso.example", "ben@contoso.example"])
def test_a_mailbox_that_the_forgotten_password_locks_is_no_way_back(admin, ann, address):
    page = enter(admin, ann, email=address)

    assert set(page.context["form"].errors) == {"email"}
    assert not prefilled(ann.pk)


def test_a_new_address_that_nobody_confirmed_hears_nothing_and_the_trusted_old_one_does(
    admin, ann, mailroom
):
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.EMAIL})))
    make_prefill(ann, Factor.EMAIL, HOME)

    enter(admin, ann, email=HOME_2)

    assert {mail.destination for mail in mailroom.work()} == {HOME, ann.upn}


def test_an_old_address_that_never_counted_hears_nothing(admin, ann, mailroom):
    make_prefill(ann, Factor.EMAIL, HOME)

    enter(admin, ann, email=HOME_2)

    assert {mail.destination for mail in mailroom.work()} == {ann.upn}


def test_an_office_phone_that_counts_at_once_is_told(admin, ann, mailroom):
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.OFFICE_PHONE})))

    enter(admin, ann, office_phone="02-1234-5678")

    (mail,) = mailroom.work()
    assert "Office phone" in mail.text
    assert "5678" not in without_random(mail.text)
    (event,) = Event.objects.filter(activity=Activity.CONTACT_ENTERED)
    assert "5678" not in without_random(str(event.details))


def test_manager_is_named_as_the_directory_does_and_linked_where_the_person_is_here(admin, ann):
    boss = make_user("boss@contoso.example", display_name="Kim Boss")
    dn = "uid=boss,ou=people,dc=contoso,dc=example"
    account = DirectoryAccount.objects.create(
        connection=make_connection(), user=ann, external_id="ann", dn="uid=ann", manager_dn=dn
    )
    assert dn in look_at(admin, ann).text

    account.manager = boss
    account.save()

    page = look_at(admin, ann)
    assert f'<a href="{LIST}{boss.pk}/">Kim Boss</a>' in page.text
    assert dn not in page.text


def test_a_pause_is_shown_at_the_security_info(admin, ann):
    make_email(ann)
    assert "Paused" not in look_at(admin, ann).text

    pause(ann)

    page = look_at(admin, ann)
    assert "Paused" in page.text
    assert cures(page) == [f"{LIST}{ann.pk}/do/clear/"]


@pytest.mark.parametrize(("allowed", "counts"), [(True, True), (False, False)])
def test_recovery_codes_are_counted_and_never_shown(admin, ann, allowed, counts):
    methods = {Method.EMAIL, Method.RECOVERY_CODE} if allowed else {Method.EMAIL}
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset(methods)))
    make_email(ann)
    codes = make_recovery_codes(ann)

    page = look_at(admin, ann)

    (thing,) = [one for _name, one in page.context["things"] if one.factor is Factor.RECOVERY_CODE]
    assert "10 recovery codes left" in page.text
    assert thing.counts is counts
    assert not [code for code in codes if code[:8] in page.text]


def test_people_are_found_by_the_recovery_codes_that_they_have_left(admin, ann):
    make_recovery_codes(ann)
    used_up = make_user("bob@contoso.example")
    make_recovery_codes(used_up)
    of_kind(Factor.RECOVERY_CODE).filter(user=used_up).update(removed_at=timezone.now())
    factors.refresh([used_up.pk])

    page = admin.get(LIST, {"method": "recovery_code"})

    assert "ann@contoso.example" in page.text
    assert "bob@contoso.example" not in page.text


def test_both_phones_of_a_person_are_listed_and_either_is_shown_for_a_reason(admin, ann):
    make_phone(ann)
    make_second_phone(ann)

    page = look_at(admin, ann)

    assert "Mobile phone" in page.text
    assert "Alternate phone" in page.text
    assert "••• ••• ••21" in page.text
    assert "8765" not in without_random(page.text)
    shown = admin.post(f"{LIST}{ann.pk}/reveal/alternate_phone/", {"note": "Ticket 7"})
    assert "010-8765-4321" in shown.text
    event = Event.objects.get(activity=Activity.CONTACT_SHOWN)
    assert (event.subject_id, event.details["method"]) == (ann.pk, "alternate_phone")


def test_who_has_a_second_phone_is_found_by_it(admin, ann):
    make_phone(make_user("one@contoso.example"))
    make_phone(ann)
    make_second_phone(ann)

    rows = admin.get(LIST, {"method": "alternate_phone"}).context["rows"]

    assert [row["upn"] for row in rows] == [ann.upn]
