import pytest
from django.conf import settings
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from isolation.scope import in_tenant
from registration.services.manage import remove
from tenants.policy import Factor, Method, OfficeEditor, Policy, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import (
    make_email,
    make_phone,
    make_prefill,
    make_second_phone,
    make_tenant,
    make_user,
    signed_in,
)
from tests.pages import without_random
from tests.threads import all_at_once
from verification.models import Challenge
from verification.queries import methods_by_factor, number_shown, value_of
from verification.services.calls import press

PAGE = "/ssprsetup/alternate"
MOBILE, SECOND = "010-1234-5678", "010-8765-4321"


@pytest.fixture
def me(user, mailroom):
    """Signed in with a mobile phone that was proved just now."""
    make_phone(user, MOBILE)
    return proved(user, mailroom)


def proved(user, mailroom):
    client = signed_in(user)
    client.post("/security-info/proof", {"method": "mobile_text"})
    client.post("/security-info/proof/verify", {"code": mailroom.code()})
    mailroom.sent.clear()
    return client


def add(client, number=SECOND, method="alternate_text", page=PAGE):
    typed = {"phone_country": "KR", "phone": number, "method": method}
    return client.post(page, typed)


def confirm(client, mailroom):
    return client.post("/ssprsetup/verify", {"code": mailroom.code()}, follow=True)


def second_of(user):
    found = methods_by_factor(user.pk).get(Factor.ALTERNATE_PHONE)
    return value_of(found) if found else ""


def test_a_second_phone_counts_once_its_code_was_typed(me, user, mailroom):
    assert PAGE in me.get("/security-info").text

    add(me)
    before = second_of(user)
    page = confirm(me, mailroom)

    assert (before, second_of(user)) == ("", "+821087654321")
    assert "••• ••• ••21" in page.text
    assert "8765" not in without_random(me.get("/security-info").text)
    assert value_of(methods_by_factor(user.pk)[Factor.MOBILE_PHONE]) == "+821012345678"


def test_a_call_verifies_it_too(me, user):
    add(me, method="alternate_call")
    challenge = Challenge.objects.latest("created_at")
    press(challenge.pk, number_shown(challenge))
    me.post("/ssprsetup/verify")

    assert second_of(user) == "+821087654321"


def test_a_wrong_code_adds_nothing(me, user, mailroom):
    add(me)
    mailroom.code()
    me.post("/ssprsetup/verify", {"code": "00000000"})

    assert not second_of(user)


def test_without_a_first_phone_there_is_no_second(user):
    client = signed_in(user)

    assert PAGE not in client.get("/security-info").text
    assert client.get(PAGE).url == "/ssprsetup"
    assert add(client).url == "/ssprsetup"
    assert not Challenge.objects.filter(method__startswith="alternate").exists()


def test_the_wizard_asks_nobody_for_a_second_phone(me):
    assert PAGE not in me.get("/ssprsetup").text


@pytest.mark.parametrize("number", [MOBILE, "+82 10-1234-5678", "02-1234-0001"])
def test_the_number_of_another_phone_is_refused_at_the_field(me, user, number):
    make_prefill(user, Factor.OFFICE_PHONE, "+82212340001")

    page = add(me, number, method="alternate_call")

    assert page.context["form"].errors["phone"] == [
        "You already use this number for another method"
    ]
    assert not Challenge.objects.filter(method__startswith="alternate").exists()


def test_the_second_number_is_refused_as_the_first_and_as_the_office_phone(me, user):
    change_policy(Policy(self_service=Scope.ALL, office_phone_editor=OfficeEditor.USER))
    make_second_phone(user, SECOND)

    first = add(me, SECOND, "mobile_text", page="/ssprsetup/phone")
    office = add(me, SECOND, "office_call", page="/ssprsetup/office")

    for page in (first, office):
        assert page.context["form"].errors["phone"]


def test_two_pages_open_at_once_dont_make_one_number_both_phones(me, user, mailroom):
    add(me, SECOND)
    methods_by_factor(user.pk)[Factor.MOBILE_PHONE].delete()
    make_phone(user, SECOND)

    page = confirm(me, mailroom)

    assert "You already use this number for another method" in page.text
    assert not second_of(user)


@pytest.mark.parametrize(
    ("methods", "offered"),
    [
        ({Method.MOBILE_TEXT, Method.EMAIL}, ["alternate_text"]),
        ({Method.MOBILE_CALL, Method.EMAIL}, ["alternate_call"]),
    ],
    ids=["texts only", "calls only"],
)
def test_what_the_policy_says_of_the_mobile_phone_goes_for_the_second(me, methods, offered):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset(methods)))

    form = me.get(PAGE).context["form"]

    assert [value for value, _words in form.fields["method"].choices] == offered


def test_where_no_mobile_phone_is_allowed_there_is_no_second(me):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.EMAIL})))

    assert PAGE not in me.get("/security-info").text
    assert me.get(PAGE).url == "/ssprsetup"


def test_another_number_takes_the_place_of_the_second(me, user, mailroom):
    make_second_phone(user, "010-2222-3333")

    add(me)
    confirm(me, mailroom)

    assert second_of(user) == "+821087654321"
    assert Event.objects.filter(activity=Activity.METHOD_CHANGED, subject_id=user.pk).exists()


def test_it_is_removed_on_the_list_and_the_first_stays(me, user):
    make_second_phone(user, SECOND)

    page = me.get("/security-info/remove/alternate_phone")
    assert "••• ••• ••21" in page.text
    me.post("/security-info/remove/alternate_phone")

    assert set(methods_by_factor(user.pk)) == {Factor.MOBILE_PHONE}


def test_taking_the_first_away_costs_nothing_while_there_is_a_second(me, user):
    make_second_phone(user, SECOND)

    assert not me.get("/security-info/remove/mobile_phone").context["breaks"]
    remove(user, Factor.MOBILE_PHONE)
    assert me.get("/security-info").context["short"] == 0
    assert me.get("/security-info/remove/alternate_phone").context["breaks"]


def test_two_phones_are_one_of_the_methods_that_are_asked_for(me, user):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    make_second_phone(user, SECOND)

    assert me.get("/security-info").context["short"] == 1


def test_the_first_phone_and_the_mailbox_hear_of_it(me, user, mailroom):
    make_email(user)
    add(me)
    confirm(me, mailroom)

    mailroom.work()

    told = [one for one in mailroom.sent if "Alternate phone was added" in one.text]
    assert [one.destination for one in told] == ["minji.home@mail.example", user.upn]


def test_the_first_phone_hears_of_it_where_there_is_no_mailbox(me, user, mailroom):
    add(me)
    confirm(me, mailroom)

    mailroom.work()

    told = {one.destination for one in mailroom.sent if "Alternate phone was added" in one.text}
    assert told == {"+821012345678", user.upn}


def test_whoever_objects_to_it_takes_it_away_again(me, user, mailroom):
    add(me)
    confirm(me, mailroom)
    mailroom.work()
    told = next(one.text for one in mailroom.sent if one.destination == "+821012345678")

    Client().post(told.rpartition("\n")[2].removeprefix(settings.BASE_URL))

    user.refresh_from_db()
    assert user.frozen_at is not None
    assert set(methods_by_factor(user.pk)) == {Factor.MOBILE_PHONE}


def test_an_old_proof_opens_the_page_no_more(user, client):
    make_phone(user, MOBILE)
    client.force_login(user)

    assert client.get(PAGE).status_code == 302
    assert not Challenge.objects.exists()


def test_it_passes_the_second_factor_and_can_be_asked_for_first(me, user, mailroom):
    change_policy(Policy(self_service=Scope.ALL, sign_in_second_factor=SecondFactor.REGISTERED))
    make_second_phone(user, SECOND)

    me.post("/security-info/default", {"method": "alternate_text"})

    client = signed_in(user)
    form = client.get("/signin/second-factor").context["form"]
    assert form.fields["method"].choices[0][0] == "alternate_text"
    client.post("/signin/second-factor", {"method": "alternate_text"})
    code = mailroom.code()
    assert mailroom.sent[-1].destination == "+821087654321"
    assert client.get("/security-info").status_code == 302
    client.post("/signin/second-factor/verify", {"code": code})
    assert client.get("/security-info").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_that_register_one_number_as_both_phones_one_gets_it(mailroom):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        change_policy(Policy(self_service=Scope.ALL))
        user = make_user()
        make_phone(user, MOBILE)
        errands = []
        for page, method in ((PAGE, "alternate_text"), ("/ssprsetup/phone", "mobile_text")):
            browser = proved(user, mailroom)
            add(browser, SECOND, method, page=page)
            errands.append((browser, mailroom.code()))

    def confirm_one():
        browser, code = errands.pop()
        return browser.post("/ssprsetup/verify", {"code": code})

    all_at_once(2, confirm_one, tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        numbers = [value_of(row) for row in methods_by_factor(user.pk).values()]
    assert numbers.count("+821087654321") == 1
