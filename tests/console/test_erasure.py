"""Deleting people, restoring them, and what is left of them."""

import uuid
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client
from django.utils import timezone

from account.services.freezing import report_not_me
from audit.activities import Activity
from audit.models import Event
from delivery.models import Kind, Outgoing
from directory.models import (
    DeletedUser,
    DirectoryAccount,
    DirectoryConnection,
    Membership,
    SignInName,
    User,
)
from directory.rules import DirectoryKind
from isolation.models import TenantOwned
from isolation.scope import in_tenant
from provisioning.models import Import, ImportPart, SignInClaim
from provisioning.rules.problems import Reason, RowProblem
from provisioning.rules.reports import RowReport
from provisioning.services import store
from provisioning.services.store import keep_report, report_of
from sspr.purge import purge
from tenants.policy import Factor
from tenants.roles import Role
from tests.attacks.visitors import Visitor
from tests.builders import (
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_user,
    signed_in,
)
from tests.captcha import solved
from tests.console.people import (
    behind_both,
    events,
    make_admin,
    make_operator,
    time_passes,
    with_app,
)
from tests.console.test_import_missing import checked
from tests.rows import row_of, values_of
from vault.services import open_column
from verification.models import NoticeLink, RegisteredMethod, SignInLockout
from verification.queries.callers import disowners_of, is_act_disowned
from verification.services.notice_words import Notice

LIST, DELETED = "/admin/people/", "/admin/people/deleted/"
NOTE = {"note": "left the company"}
GOES = {
    "delivery.DemoMessage",
    "delivery.Outgoing",
    "directory.DirectoryAccount",
    "directory.Membership",
    "directory.SignInName",
    "directory.User",
    "directory.UserIDChange",
    "provisioning.BulkPass",
    "provisioning.SignInClaim",
    "provisioning.SyncProblem",
    "reset.PassedGate",
    "reset.PendingWrite",
    "reset.ResetAttempt",
    "verification.AccessPass",
    "verification.Answer",
    "verification.CallerCheck",
    "verification.Challenge",
    "verification.ContactNotice",
    "verification.ExpiryReminder",
    "verification.NoticeLink",
    "verification.RegisteredMethod",
    "verification.RememberedBrowser",
    "verification.SignInLockout",
}
"""Rows about the person are deleted with the person."""
QUOTES = {
    # The lines of reports that quote the person go. A file goes when its import ends, at the
    # latest after a day: what a worker is reading isn't changed.
    "provisioning.ImportPart",
}
GOES_LATER = {
    # After 30 days, or when an administrator says so.
    "directory.DeletedUser",
}
HAS_THE_ID_ONLY = {
    "audit.Event",
    "provisioning.BulkRun",
    "provisioning.Import",
    "provisioning.SyncRun",
    "tenants.PolicyRecord",
    "tenants.PolicyVersion",
}
HAS_NO_PERSON = {
    "audit.Head",
    "audit.Link",
    "audit.Stream",
    "directory.DirectoryConnection",
    # Keyed hashes that end by themselves.
    "limits.Counter",
    "tenants.Branding",
    "tenants.CustomQuestion",
    "tenants.CustomText",
    "tenants.DisabledQuestion",
    "tenants.Domain",
    "tenants.Group",
    "tenants.GroupNesting",
    "tenants.Tenant",
    "vault.SealingKey",
    "vault.TenantKey",
}
OWN_TEXT = {"mac", "browser", "support_code", "name", "external_id", "token_mac"}
"""Columns whose values are unique in an organisation."""
OURS = [model for model in apps.get_models() if not model.__module__.startswith("django.")]


def delete(client, person):
    return client.post(f"{LIST}{person.pk}/delete/", NOTE, follow=True)


def restore(client, person):
    return client.post(f"{DELETED}{person.pk}/restore/", NOTE, follow=True)


def erase(client, person):
    return client.post(f"{DELETED}{person.pk}/erase/", NOTE, follow=True)


def referring(model):
    """Columns by which a row says that it is about a user."""
    by_key = [field for field in model._meta.concrete_fields if field.related_model is User]
    names = {"user_id", "person_id"}
    by_id = [f for f in model._meta.concrete_fields if f.name in names and not f.is_relation]
    return [*by_key, *by_id]


def row_about(user, model, tenant):
    """A new row of the user, which refers to new rows of the user where it refers to any."""
    values = values_of(model, tenant) | {field.attname: user.pk for field in referring(model)}
    for field in model._meta.concrete_fields:
        if field.is_relation:
            related = field.related_model
            own = user if related is User else None
            make = row_about if referring(related) else (lambda _user, *which: row_of(*which))
            values.pop(field.attname, None)
            values[field.name] = own or make(user, related, tenant)
        elif field.name in OWN_TEXT:
            values[field.name] = f"{user.pk:08}"
        elif isinstance(field, models.UUIDField):
            values[field.name] = uuid.uuid4()
        elif field.name == "kind":
            values[field.name] = Factor.EMAIL if model is RegisteredMethod else Kind.EMAIL
    return model.objects.create(**values)


def test_for_every_model_it_is_decided_what_becomes_of_its_rows():
    """A new model fails this test until its rows are in one of the sets above, and go."""
    decided = [GOES, QUOTES, GOES_LATER, HAS_THE_ID_ONLY, HAS_NO_PERSON]

    assert {model._meta.label for model in OURS} == set().union(*decided)
    assert sum(map(len, decided)) == len(OURS)
    for model in OURS:
        if referring(model):
            assert model._meta.label in GOES | GOES_LATER


@pytest.mark.parametrize(
    "model",
    [model for model in OURS if model._meta.label in GOES and referring(model) and model != User],
    ids=lambda model: model._meta.label,
)
def test_rows_that_refer_to_a_deleted_person_go_and_no_others(admin, person, contoso, model):
    other = make_user("ann@contoso.example")
    rows = {user.pk: row_about(user, model, contoso) for user in (person, other)}

    delete(admin, person)

    assert not model.objects.filter(pk=rows[person.pk].pk).exists()
    assert model.objects.filter(pk=rows[other.pk].pk).exists()


def texts_stored():
    """Every text of the tenant in force, sealed columns opened, but for what is restorable."""
    for model in OURS:
        if not issubclass(model, TenantOwned) or model is DeletedUser:
            continue
        for row in model.objects.order_by("pk"):
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                if field.attname in row.sealed and value:
                    value = open_column(row, field.attname)
                yield f"{model._meta.label}.{field.attname}: {value}"


def test_nothing_of_what_was_known_is_stored_any_more(admin, person, staff, mailroom):
    connection = DirectoryConnection.objects.create(
        name="Head office",
        kind=DirectoryKind.LDAP,
        base_dn="dc=contoso",
        bind_dn="cn=x",
        enabled=False,
    )
    User.objects.filter(pk=person.pk).update(display_name="Han Bora")
    account = DirectoryAccount.objects.create(
        connection=connection, user=person, external_id="7f3a", dn="uid=minji,dc=contoso"
    )
    DirectoryAccount.objects.create(
        connection=connection,
        user=make_user("ann@contoso.example"),
        external_id="5",
        dn="uid=ann,dc=contoso",
        manager=person,
        manager_dn="uid=minji,dc=contoso",
    )
    SignInClaim.objects.create(account=account, name="minji.k")
    SignInName.objects.create(user=person, name="minji.k")
    make_email(person, "minji.home@mail.example")
    make_phone(person, "010-1234-5678")
    make_prefill(person, Factor.OFFICE_PHONE, "+8221112222")
    make_questions(person)
    make_recovery_codes(person)
    with_app(person)
    Membership.objects.create(user=person, group=staff)
    signed_in(person, "wrong password")
    browser = signed_in(person)
    Client().post("/passwordreset", solved({"username": person.upn}))
    admin.post(f"{LIST}{person.pk}/do/sign-out/", NOTE)
    admin.post(f"{LIST}{person.pk}/rename/", {"user_principal_name": "minji2@contoso.example"})
    User.objects.filter(pk=person.pk).update(upn="minji@contoso.example")
    assert Outgoing.objects.filter(person_id=person.pk).exists()

    page = delete(admin, person)
    # The notice of the deletion leaves, and its destination with it.
    mailroom.work()

    assert "minji@contoso.example was deleted." in page.text
    known = (
        "minji@",
        "minji.",
        "minji2",
        "uid=minji",
        "han bora",
        "1234-5678",
        "12345678",
        "21112222",
        "7f3a",
    )
    left = [text for text in texts_stored() if any(word in text.casefold() for word in known)]
    assert left == []
    assert not SignInLockout.objects.filter(failures__gt=0).exists()
    assert browser.get("/security-info").status_code == 302


def test_sessions_of_the_person_are_deleted_and_no_others(admin, person):
    signed_in(person)
    before = Session.objects.count()

    delete(admin, person)

    assert Session.objects.count() == before - 1
    assert admin.get(LIST).status_code == 200


def test_lines_of_reports_that_quote_the_person_go(admin, person, contoso):
    make_phone(person, "010-1234-5678")
    job = Import.objects.create(
        actor_id=1, file_name="people.csv", size=1, encoding="utf-8", due_at=timezone.now()
    )
    values = [
        {"value": "010.1234.5678", "country": "KR"},
        {"name": "Kim Minji"},
        {"value": "Minji@contoso.example"},
        {"value": "010-9999-8888"},
        {"name": "Kim Minjin"},
    ]
    rows = [
        RowReport(line, (Reason(RowProblem.NOT_A_PHONE, "mobile_phone", value),), refused=True)
        for line, value in enumerate(values, 2)
    ]
    keep_report(job, 1, rows)
    keep_report(job, 2, rows[:1])

    delete(admin, person)

    assert [row.line for row in report_of(job)] == [5, 6]
    assert ImportPart.objects.count() == 1


def test_reports_about_an_erased_person_quote_nothing_of_them(admin, person, mailroom):
    other = make_user("bob@contoso.example")
    admin.post(f"{LIST}{person.pk}/rename/", {"user_principal_name": "former@contoso.example"})
    admin.post(f"{LIST}{person.pk}/rename/", {"user_principal_name": "minji@contoso.example"})
    delete(admin, person)
    rows = (
        "UPN,이름,휴대폰\n"
        "minji@contoso.example,Kim Minji,010-1234-5678\n"
        "former@contoso.example,Bad,010-12\n"
        "bob@contoso.example,Bob,010-13\n"
    )
    checked(admin, mailroom, rows)
    before = list(report_of(Import.objects.get()))

    erase(admin, person)

    after = list(report_of(Import.objects.get()))
    of_the_person, of_former, of_bob = [row for row in before if row.refused]
    assert dict(of_the_person.reasons[0].values) == {"value": person.upn}
    assert not of_the_person.cells
    assert "former@contoso.example" in of_former.cells
    assert [row.line for row in after if row.refused] == [of_bob.line]
    assert other.upn in of_bob.cells


def test_reports_that_quote_a_former_user_id_lose_that_line_at_the_deletion(
    admin, person, mailroom
):
    admin.post(f"{LIST}{person.pk}/rename/", {"user_principal_name": "latest@contoso.example"})
    SignInName.objects.create(user=person, name="mkim")
    checked(
        admin,
        mailroom,
        "UPN,이름,휴대폰\nminji@contoso.example,A,010-12\nbob@contoso.example,mkim,010-13\n"
        "cho@contoso.example,Cho,010-14\n",
    )

    delete(admin, person)

    left = [row.cells[0] for row in report_of(Import.objects.get()) if row.refused]
    assert left == ["cho@contoso.example"]


def test_a_part_of_a_report_that_goes_meanwhile_stops_no_deletion(
    admin, person, mailroom, monkeypatch
):
    checked(admin, mailroom, "UPN,휴대폰\nbob@contoso.example,010-13\n")
    remaining = store._digits

    def dropped(text):
        ImportPart.objects.all().delete()
        return remaining(text)

    make_phone(person, "010-1234-5678")
    monkeypatch.setattr(store, "_digits", dropped)

    page = delete(admin, person)

    assert "was deleted." in page.text
    assert not ImportPart.objects.exists()


def test_the_person_is_told_of_the_deletion_and_of_the_restoration(admin, person, mailroom):
    make_email(person, "minji.home@mail.example")
    boss = User.objects.get(upn="admin@contoso.example")

    delete(admin, person)
    deleted = {mail.destination: mail for mail in mailroom.work()}
    restore(admin, person)
    restored = {mail.destination: mail for mail in mailroom.work()}

    assert {"minji.home@mail.example", person.upn} <= deleted.keys()
    assert "account was deleted" in deleted["minji.home@mail.example"].subject
    assert "/wasnt-me/" not in deleted[person.upn].text
    assert "account was restored" in restored[person.upn].subject
    assert "/wasnt-me/" in restored[person.upn].text
    assert NoticeLink.objects.get().actor_id == boss.pk


def test_what_the_person_reported_of_an_administrator_outlives_the_account(admin, person, mailroom):
    make_email(person)
    other = behind_both(make_admin("other@contoso.example"))
    admin.post(f"{LIST}{person.pk}/do/sign-out/", NOTE)
    report_not_me(NoticeLink.objects.get(notice=Notice.SIGNED_OUT))
    frozen_at = User.objects.get(pk=person.pk).frozen_at

    refused = delete(admin, person)
    assert "something you did" in refused.text
    assert User.objects.filter(pk=person.pk).exists()
    delete(other, person)
    refused = [restore(admin, person), erase(admin, person)]
    assert ["something you did" in page.text for page in refused] == [True, True]
    assert DeletedUser.objects.filter(user_id=person.pk).exists()
    restore(other, person)

    assert frozen_at is not None
    assert User.objects.get(pk=person.pk).frozen_at == frozen_at
    boss = User.objects.get(upn="admin@contoso.example")
    assert is_act_disowned(boss.pk, person.pk)
    assert disowners_of(boss.pk, [person.pk], timezone.now()) == {person.pk}
    assert "something you did" in delete(admin, person).text


def test_the_page_says_what_goes_before_anything_does(admin, person, staff):
    make_email(person)
    Membership.objects.create(user=person, group=staff)

    page = admin.get(f"{LIST}{person.pk}/delete/")
    refused = admin.post(f"{LIST}{person.pk}/delete/", {"note": " "})

    assert "Security info and contact data: Alternate email" in page.text
    assert "the groups (1)" in page.text
    assert "Enter a reason" in refused.text
    assert User.objects.filter(pk=person.pk).exists()


def test_the_audit_log_has_a_number_in_place_of_the_person(admin, person):
    admin.post(f"{LIST}{person.pk}/do/sign-out/", NOTE)

    delete(admin, person)

    text = admin.get("/admin/audit/").text
    assert f"Deleted user {person.pk}" in text
    assert "minji" not in text.casefold()
    assert [event.details["note"] for event in events(Activity.USER_DELETED)] == [NOTE["note"]]


def test_what_a_deleted_administrator_did_isnt_an_operators(admin, person):
    helper = make_admin("help@contoso.example", role=Role.HELPDESK)
    behind_both(helper).post(f"{LIST}{person.pk}/do/sign-out/", NOTE)

    delete(admin, helper)

    assert f"Deleted user {helper.pk}" in admin.get(f"{LIST}{person.pk}/").text
    assert Event.objects.get(activity=Activity.SIGNED_OUT_BY_ADMIN).actor_id == helper.pk


def test_a_deleted_person_is_in_no_list_but_deleted_people(admin, person, staff):
    Membership.objects.create(user=person, group=staff)
    pages = (
        LIST,
        f"{LIST}?q=minji",
        f"{LIST}?state=disabled",
        f"/admin/groups/{staff.pk}/",
        "/admin/",
        "/admin/administrators/",
        "/admin/administrators/appoint/",
        f"{LIST}expiry/",
        "/admin/policy/impact/",
    )

    delete(admin, person)

    for path in pages:
        assert "minji" not in admin.get(path, follow=True).text.replace("q=minji", "").replace(
            'value="minji"', ""
        )
    assert "minji@contoso.example" in admin.get(DELETED).text
    assert admin.get(f"{LIST}{person.pk}/").status_code == 404


def test_the_portal_answers_a_deleted_user_id_like_an_unknown_one(admin, person):
    make_email(person)
    delete(admin, person)
    hashes: list[object] = []
    seen = []
    for upn in ("minji@contoso.example", "unknown@contoso.example"):
        visitor = Visitor(upn, hashes).identify()
        visitor.get("/passwordreset/ended")
        visitor.get("/passwordreset/contact")
        seen.append(visitor.seen)

    assert seen[0] == seen[1]


def test_an_account_is_restored_with_its_groups_and_without_ways_in(admin, person, staff):
    make_email(person)
    make_prefill(person, Factor.OFFICE_PHONE, "+8221112222")
    Membership.objects.create(user=person, group=staff)
    User.objects.filter(pk=person.pk).update(language="ko", surname="Kim")
    browser = signed_in(person)
    delete(admin, person)

    page = restore(admin, person)

    back = User.objects.get(upn="minji@contoso.example")
    assert page.redirect_chain == [(f"{LIST}{person.pk}/", 302)]
    assert (back.pk, back.tenant_id, back.language) == (person.pk, person.tenant_id, "ko")
    assert (back.display_name, back.surname, back.role) == ("Kim Minji", "Kim", "")
    assert not back.has_usable_password()
    assert back.prefill is None
    assert back.factors == 0
    assert [group.name for group in back.groups.all()] == ["Staff"]
    assert not RegisteredMethod.objects.filter(user=back).exists()
    assert browser.get("/security-info").status_code == 302
    assert "minji@contoso.example" not in admin.get(DELETED).text
    assert [event.subject_id for event in events(Activity.USER_RESTORED)] == [person.pk]
    assert "minji@contoso.example" in admin.get(f"{LIST}?q=kim minji").text


def test_an_account_that_was_disabled_comes_back_disabled(admin, person):
    User.objects.filter(pk=person.pk).update(enabled=False)
    delete(admin, person)

    restore(admin, person)

    assert not User.objects.get(pk=person.pk).enabled


def test_a_restored_administrator_has_no_role(admin):
    helper = make_admin("help@contoso.example", role=Role.HELPDESK)
    delete(admin, helper)

    restore(admin, helper)

    assert User.objects.get(pk=helper.pk).role == Role.NONE


def test_no_new_person_gets_the_user_id_until_the_deleted_one_is_erased(admin, person):
    other = make_user("ann@contoso.example")
    delete(admin, person)
    new = {"user_principal_name": "minji@contoso.example", "display_name": "Another"}

    added = admin.post(f"{LIST}add/", new)
    renamed = admin.post(f"{LIST}{other.pk}/rename/", new)
    erase(admin, person)
    admin.post(f"{LIST}add/", new)

    assert "A deleted person has this user ID." in added.text
    assert "A deleted person has this user ID." in renamed.text
    successor = User.objects.get(upn="minji@contoso.example")
    assert successor.display_name == "Another"
    assert successor.pk != person.pk
    assert [event.subject_id for event in events(Activity.USER_ERASED)] == [person.pk]


def test_an_import_leaves_a_deleted_person_alone_and_says_so(admin, person, tmp_path, capsys):
    delete(admin, person)
    file = tmp_path / "people.csv"
    file.write_text(
        "user_principal_name,display_name\nminji@contoso.example,Kim\nann@contoso.example,Ann\n"
    )

    for options in (["--dry-run"], []):
        with pytest.raises(CommandError, match="1 of 2 rows were refused"):
            call_command("import_users", str(file), "--tenant", "contoso", *options)
        assert "minji@contoso.example was deleted." in capsys.readouterr().err

    assert User.objects.filter(upn="ann@contoso.example").exists()
    assert not User.objects.filter(upn="minji@contoso.example").exists()


def test_what_is_left_is_erased_after_30_days(admin, person):
    delete(admin, person)
    DeletedUser.objects.update(deleted_at=timezone.now() - timedelta(days=29))
    purge()
    before = DeletedUser.objects.exists()
    DeletedUser.objects.update(deleted_at=timezone.now() - timedelta(days=31))

    purge()

    assert before
    assert not DeletedUser.objects.exists()
    assert restore(admin, person).status_code == 404


def test_a_user_id_that_a_directory_gave_to_another_person_keeps_the_account_deleted(admin, person):
    delete(admin, person)
    make_user("minji@contoso.example")

    page = restore(admin, person)

    assert "Another user has this user ID now." in page.text
    assert DeletedUser.objects.exists()
    assert not User.objects.filter(pk=person.pk).exists()


def test_no_one_deletes_themselves(admin):
    me = User.objects.get(upn="admin@contoso.example")

    assert delete(admin, me).status_code == 404
    assert User.objects.filter(pk=me.pk).exists()


def test_the_last_administrator_cant_be_deleted(contoso):
    boss = make_admin()
    operator = behind_both(make_operator())
    operator.post(f"/admin/organisations/{contoso.pk}/enter/")

    page = delete(operator, boss)
    make_admin("second@contoso.example")
    delete(operator, boss)

    assert "The last administrator can’t be deleted." in page.text
    assert not User.objects.filter(pk=boss.pk).exists()


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_tenant_admins_delete_and_restore(admin, person, role):
    gone = make_user("gone@contoso.example")
    delete(admin, gone)
    client = behind_both(make_admin("other@contoso.example", role=role))

    assert delete(client, person).status_code == 404
    assert restore(client, gone).status_code == 404
    assert erase(client, gone).status_code == 404
    assert client.get(DELETED).status_code == 404
    assert User.objects.filter(pk=person.pk).exists()
    assert DeletedUser.objects.exists()


@pytest.mark.parametrize("do", [restore, erase, delete])
def test_each_takes_a_fresh_second_factor(admin, person, do):
    gone = make_user("gone@contoso.example")
    delete(admin, gone)
    time_passes(admin, 700)

    do(admin, person if do is delete else gone)

    assert User.objects.filter(pk=person.pk).exists()
    assert DeletedUser.objects.filter(user_id=gone.pk).exists()


def test_deleted_people_of_another_organisation_arent_there(admin, hanbit):
    with in_tenant(hanbit.pk):
        boss, kim = make_admin("boss@hanbit.example"), make_user("kim@hanbit.example")
        delete(behind_both(boss), kim)

    assert "kim@" not in admin.get(DELETED).text
    assert restore(admin, kim).status_code == 404
    assert erase(admin, kim).status_code == 404


def test_deleted_people_are_searched_and_paged(admin, contoso):
    for number in range(52):
        DeletedUser.objects.create(
            user_id=900_000 + number,
            upn=f"gone{number:02}@contoso.example",
            display_name=f"Person {number:02}",
            enabled=True,
            session_epoch=0,
            deleted_at=timezone.now(),
        )

    first = admin.get(DELETED)
    second = admin.get(f"{DELETED}?{first.context['next']}")
    found = admin.get(f"{DELETED}?q=person 07")

    assert len(first.context["rows"]) == 50
    assert [row.upn for row, _until in second.context["rows"]] == [
        "gone50@contoso.example",
        "gone51@contoso.example",
    ]
    assert [row.upn for row, _until in found.context["rows"]] == ["gone07@contoso.example"]
