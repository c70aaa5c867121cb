import pytest

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from tenants.policy import Method, Policy, SecondFactor
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_tenant, make_user, signed_in
from tests.console.people import (
    behind_both,
    code_now,
    code_shown,
    make_admin,
    make_operator,
    time_passes,
    with_app,
    wrong_code,
)
from verification.models import RegisteredMethod


def test_password_alone_opens_nothing_of_the_admin(contoso):
    client = signed_in(make_admin())

    for path in ("/admin/", "/admin/audit/"):
        assert (
            client.get(path, follow=True).redirect_chain[-1][0].startswith("/admin/second-factor/")
        )


@pytest.mark.parametrize("paired", [True, False])
def test_who_has_not_passed_the_step_up_sees_no_sections_and_can_turn_back(contoso, paired):
    admin = make_admin()
    if paired:
        with_app(admin)
    client = signed_in(admin)
    page = client.get("/admin/", follow=True)

    assert 'href="/admin/people/"' not in page.text
    assert 'action="/signout"' in page.text
    client.post("/signout")
    assert client.get("/admin/").url.startswith("/signin")


def test_first_sign_in_asks_for_an_app_and_its_first_code_lets_in(contoso, mailroom):
    admin = make_admin()
    client = signed_in(admin)

    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/admin/second-factor/set-up/"
    assert "<svg" in page.text
    answer = client.post("/admin/second-factor/set-up/", {"code": code_shown(page)})

    assert (answer.status_code, answer.url) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200
    assert Event.objects.filter(activity=Activity.SECOND_FACTOR_REGISTERED).exists()
    assert "admin@contoso.example" in {mail.destination for mail in mailroom.work()}


def test_key_isnt_shown_again_once_the_app_counts(contoso):
    admin = make_admin()
    with_app(admin)

    assert signed_in(admin).get("/admin/second-factor/set-up/").url == "/admin/second-factor/"


def test_key_shown_to_one_session_pairs_nothing_in_another(contoso):
    """Otherwise a thief of the password could read the key first and copy it."""
    admin = make_admin()
    thief, owner = signed_in(admin), signed_in(admin)
    seen_by_thief = thief.get("/admin/second-factor/set-up/")
    seen_by_owner = owner.get("/admin/second-factor/set-up/")

    owner.post("/admin/second-factor/set-up/", {"code": code_shown(seen_by_owner)})
    thief.post("/admin/second-factor/", {"code": code_shown(seen_by_thief)})

    assert owner.get("/admin/").status_code == 200
    assert thief.get("/admin/").status_code == 302


def test_who_has_a_phone_proves_it_before_an_app_is_paired(contoso):
    admin = make_admin()
    make_phone(admin)

    client = signed_in(admin)

    assert client.get("/admin/second-factor/set-up/").url == "/security-info/proof"
    assert client.post("/admin/second-factor/set-up/", {"code": "1"}).url == "/security-info/proof"


def test_right_code_lets_in_and_is_right_once(contoso):
    admin = make_admin()
    with_app(admin)
    code = code_now()

    first, second = signed_in(admin), signed_in(admin)

    assert first.post("/admin/second-factor/", {"code": code}).status_code == 302
    assert second.post("/admin/second-factor/", {"code": code}).status_code == 200
    assert first.get("/admin/").status_code == 200
    assert second.get("/admin/").status_code == 302


def test_code_of_somebody_elses_app_lets_nobody_in(contoso):
    admin, other = make_admin(), make_admin("other@contoso.example")
    with_app(other)
    row = with_app(admin)
    RegisteredMethod.objects.filter(pk=row.pk).delete()

    client = signed_in(admin)
    client.post("/admin/second-factor/", {"code": code_now()})

    assert client.get("/admin/").status_code == 302


def test_eleventh_wrong_code_isnt_even_looked_at(contoso):
    admin = make_admin()
    with_app(admin)
    client = signed_in(admin)
    for _ in range(10):
        client.post("/admin/second-factor/", {"code": wrong_code()})

    page = client.post("/admin/second-factor/", {"code": code_now()})

    assert page.status_code == 200
    assert "Paused until" in page.text
    assert Event.objects.filter(activity=Activity.SECOND_FACTOR_FAILED).count() == 10


def test_seed_is_nowhere_in_the_database_as_it_is(contoso):
    row = with_app(make_admin())

    assert b"3132333435" not in bytes(row.data)


@pytest.mark.parametrize("path", ["/admin/", "/admin/second-factor/", "/admin/organisations/"])
def test_people_without_a_role_find_no_admin(contoso, path):
    client = signed_in(make_user())

    answer = client.get(path)

    assert answer.status_code == 404 or answer.url == "/"


def test_disabled_administrator_is_out_at_the_next_click(contoso):
    admin = make_admin()
    client = behind_both(admin)
    User.objects.filter(pk=admin.pk).update(enabled=False)

    assert client.get("/admin/").status_code == 302


def test_role_taken_away_closes_the_admin_at_the_next_click(contoso):
    admin = make_admin()
    client = behind_both(admin)
    User.objects.filter(pk=admin.pk).update(role=Role.NONE)

    assert client.get("/admin/").status_code == 404


def test_operator_sees_no_rows_before_choosing_an_organisation(hanbit):
    client = behind_both(make_operator())

    assert client.get("/admin/").url == "/admin/organisations/"
    assert client.get("/admin/audit/").status_code in {302, 404}


def test_operator_acts_visibly_and_on_record(hanbit):
    operator = make_operator()
    client = behind_both(operator)

    client.post(f"/admin/organisations/{hanbit.pk}/enter/")
    page = client.get("/admin/")
    client.post("/admin/organisations/leave/")

    assert "You are working in Hanbit as an operator" in page.text
    assert client.get("/admin/").url == "/admin/organisations/"
    with in_tenant(hanbit.pk):
        found = Event.objects.filter(actor_id=operator.pk).values_list("activity", flat=True)
        assert list(found.order_by("id")) == [Activity.OPERATOR_ENTERED, Activity.OPERATOR_LEFT]


@pytest.mark.parametrize("typed", ["MÜLLER", "müller", "ＭÜＬＬＥＲ", "GmbH-m", "gmbh-MÜ"])
def test_an_organisation_is_found_in_any_case_and_width(contoso, typed):
    make_tenant("gmbh-m", name="GmbH-Müller", domains=("müller.example",))
    client = behind_both(make_operator())

    page = client.get("/admin/organisations/", {"q": typed})

    assert "GmbH-Müller" in page.text
    assert "Contoso" not in page.text


def test_operators_choice_holds_in_the_admin_only(hanbit):
    client = behind_both(make_operator())
    client.post(f"/admin/organisations/{hanbit.pk}/enter/")

    assert client.get("/security-info").url == "/admin/"


def test_only_operators_choose_an_organisation(contoso, hanbit):
    client = behind_both(make_admin())

    assert client.get("/admin/organisations/").status_code == 404
    assert client.post(f"/admin/organisations/{hanbit.pk}/enter/").status_code == 404
    assert "Hanbit" not in client.get("/admin/").text


def test_operators_wrong_codes_are_recorded_too(db):
    operator = make_operator()
    with_app(operator)
    signed_in(operator).post("/admin/second-factor/", {"code": wrong_code()})

    with in_tenant(NO_TENANT):
        failed = Event.objects.filter(activity=Activity.SECOND_FACTOR_FAILED)
        assert failed.filter(subject_id=operator.pk).exists()


def test_second_factor_ends_with_the_session(contoso):
    client = behind_both(make_admin())
    client.post("/signout")

    assert client.get("/admin/").url.startswith("/signin")


def test_what_was_proved_long_ago_still_opens_the_overview(contoso):
    client = behind_both(make_admin())
    time_passes(client, 3600)

    assert client.get("/admin/").status_code == 200


def test_an_app_that_was_asked_for_at_sign_in_opens_the_admin_as_well(contoso):
    """Its code is good for once: who is asked again at once waits for the next one."""
    change_policy(Policy(sign_in_second_factor=SecondFactor.REQUIRED))
    admin = make_admin()
    with_app(admin)
    client = signed_in(admin)

    client.post("/signin/second-factor/verify", {"code": code_now()})

    assert client.get("/admin/").status_code == 200
    assert Event.objects.filter(activity=Activity.ADMIN_SIGNED_IN, subject_id=admin.pk).count() == 1
    time_passes(client, 11 * 60)
    assert client.get("/admin/administrators/appoint/").url == "/admin/second-factor/"


def test_a_mail_or_a_remembered_browser_at_sign_in_doesnt_open_the_admin(contoso, mailroom):
    change_policy(
        Policy(
            sign_in_second_factor=SecondFactor.REQUIRED,
            reset_methods=frozenset({Method.EMAIL, Method.AUTHENTICATOR}),
            remember_browser_days=30,
        )
    )
    admin = make_admin()
    make_email(admin)
    client = signed_in(admin)
    client.post("/signin/second-factor", {"method": "email"})
    code = mailroom.code()
    with_app(admin)
    client.post("/signin/second-factor/verify", {"code": code, "remember": "on"})

    by_mail = client.get("/admin/")
    client.post("/signout")
    client.post("/signin", {"username": admin.upn, "password": PASSWORD})

    assert by_mail.url == "/admin/second-factor/"
    assert client.get("/admin/").url == "/admin/second-factor/"
