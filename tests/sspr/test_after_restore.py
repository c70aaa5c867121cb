"""After a restore: nothing that was used or taken back since the backup is good again."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery import services as outbox
from delivery.models import Kind, Outgoing
from delivery.services import Content, Share, gate
from directory.models import User
from isolation.scope import in_tenant
from reset.models import ResetAttempt
from tenants.policy import Factor
from tests.builders import PASSWORD, make_email, make_phone, make_recovery_codes, make_user
from tests.captcha import solved
from tests.sspr.test_rotate_keys import recovery_verdict
from verification.models import AccessPass, ContactNotice, RememberedBrowser
from verification.rules.verdicts import Verdict
from verification.services import contacts, notices
from verification.services.notice_words import Notice

SECURITY_INFO = "/security-info"


def restored(*more, at=None):
    call_command("after_restore", "--backup-taken-at", (at or timezone.now()).isoformat(), *more)


def signed_in(user):
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    assert client.get(SECURITY_INFO).status_code == 200
    return client


def give_pass(user, **more):
    now = timezone.now()
    times = {"issued_at": now, "starts_at": now, "ends_at": now + timedelta(hours=8)}
    return AccessPass.objects.create(user=user, mac="x", issued_by=user.pk, **times, **more)


@pytest.fixture
def user(contoso, mailroom):
    person = make_user(registered_at=timezone.now())
    make_email(person)
    return person


def test_every_session_ends(user):
    client = signed_in(user)

    restored()

    assert client.get(SECURITY_INFO).status_code == 302


def test_a_session_cookie_of_after_the_backup_fits_no_number_of_before(user):
    before = User.objects.get(pk=user.pk).session_epoch

    restored()

    assert User.objects.get(pk=user.pk).session_epoch - before >= 1_000


def test_a_running_reset_comes_to_no_end(user, mailroom):
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    code = mailroom.code()

    restored()
    client.post("/passwordreset/code", {"code": code})

    assert client.get("/passwordreset/new-password").status_code != 200
    assert not ResetAttempt.objects.filter(outcome="running").exists()


def test_recovery_codes_and_passes_that_may_have_been_used_are_no_good(user):
    code = make_recovery_codes(user)[0]
    give_pass(user)

    restored()

    assert recovery_verdict(user, code) is not Verdict.RIGHT
    assert not AccessPass.objects.filter(revoked_at=None).exists()


def test_no_browser_is_remembered(user):
    now = timezone.now()
    times = {"created_at": now, "last_used_at": now, "expires_at": now + timedelta(days=30)}
    RememberedBrowser.objects.create(user=user, token_mac="x", session_epoch=0, **times)

    restored()

    assert not RememberedBrowser.objects.exists()


def test_what_waits_in_the_outbox_is_not_sent_a_second_time(user, mailroom):
    outbox.post_to_each(
        Kind.EMAIL,
        ["minji.home@mail.example"],
        share=Share.NOTICE,
        language="en",
        lifetime=timedelta(minutes=5),
        content=Content(subject="Notice", text="Your password was reset"),
    )

    restored()
    left = mailroom.work()

    assert left == []
    row = Outgoing.objects.get()
    assert (row.state, row.failure, bytes(row.content)) == ("failed", "restored", b"")


def test_a_notice_that_waits_for_room_is_not_sent_after_a_restore(contoso, mailroom, monkeypatch):
    user = make_user("held@contoso.example")
    make_phone(user)
    with monkeypatch.context() as patch:
        patch.setattr(gate, "_cap", lambda **_kind: 0)
        notices.tell(user, Notice.ADDED, factor=Factor.EMAIL)
        mailroom.work()
    assert Outgoing.objects.filter(state=Outgoing.State.HELD).count() == 1

    restored()
    Outgoing.objects.update(due_at=timezone.now())
    outbox.sweep()

    assert mailroom.work() == []
    row = Outgoing.objects.get(kind="text")
    assert (row.state, bytes(row.destination), row.digest) == ("failed", b"", "")


def test_a_temporary_password_is_no_good_and_ones_own_still_is(contoso, user):
    given = make_user("given@contoso.example", must_change_password=True)

    restored()

    assert not User.objects.get(pk=given.pk).has_usable_password()
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_where_it_is_asked_for_every_password_ends_and_everybody_looks_through_the_methods(user):
    restored("--end-passwords", "--review-methods")

    person = User.objects.get(pk=user.pk)
    assert not person.has_usable_password()
    assert person.must_register_at is not None


def test_it_is_on_record_in_every_organisation(contoso, hanbit):
    at = timezone.now()

    restored(at=at)

    for tenant in (contoso, hanbit):
        with in_tenant(tenant.pk):
            event = Event.objects.get(activity=Activity.BACKUP_RESTORED)
            assert event.details["taken_at"] == at.isoformat(timespec="seconds")


def test_a_dry_run_changes_nothing_and_says_what_would_go(user, capsys):
    client = signed_in(user)
    give_pass(user)

    restored("--dry-run")

    said = capsys.readouterr().out
    assert "sessions: 1" in said
    assert "access passes: 1" in said
    assert "Nothing was changed." in said
    assert client.get(SECURITY_INFO).status_code == 200
    assert not Event.objects.filter(activity=Activity.BACKUP_RESTORED).exists()


def test_it_is_refused_where_the_service_has_run_since(user):
    signed_in(user)

    with pytest.raises(CommandError, match="newest event"):
        restored(at=timezone.now() - timedelta(hours=1))


def test_after_a_first_run_it_is_refused_where_the_service_has_run_since(user):
    at = timezone.now()
    restored(at=at)
    signed_in(user)

    with pytest.raises(CommandError, match="newest event"):
        restored(at=at)


def test_no_notice_of_an_import_that_waits_is_sent(user, mailroom):
    ContactNotice.objects.create(user=user, factors=[], created_at=timezone.now())

    restored()
    contacts.sweep()
    contacts.notify_of_imports(user.tenant_id)

    assert not ContactNotice.objects.exists()
    assert mailroom.work() == []


@pytest.mark.parametrize(
    "given", ["", "yesterday", "2026-11-30T03:00:00", "2999-01-01T00:00:00Z", "2026-13-40T00:00Z"]
)
def test_a_time_without_a_zone_or_none_at_all_is_refused(db, given):
    with pytest.raises(CommandError, match="--backup-taken-at"):
        call_command("after_restore", "--backup-taken-at", given)


def test_it_may_be_repeated_with_the_same_time(user):
    at = timezone.now()
    restored(at=at)
    restored("--end-passwords", at=at)

    assert not User.objects.get(pk=user.pk).has_usable_password()

    assert Event.objects.filter(activity=Activity.BACKUP_RESTORED).count() == 2
