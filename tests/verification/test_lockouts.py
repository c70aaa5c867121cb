"""The rows of the smart lockout: which tries they count, and what ends a lock."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from passwords.hashing import Busy
from tenants.policy import Policy, Scope
from tests.builders import make_user
from tests.console.people import make_operator
from verification.models import SignInLockout
from verification.services import lockouts
from verification.services.lockouts import Locked, count_a_try

UPN = "minji@contoso.example"
UNKNOWN = "nobody@contoso.example"


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, lockout_threshold=3, lockout_seconds=90)


@pytest.fixture(autouse=True)
def clock(contoso):
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as travel:
        yield travel


@pytest.fixture
def user(contoso):
    return make_user(UPN)


def tried(times, upn=UPN, device="", start=0):
    for number in range(start, start + times):
        count_a_try(upn, f"wrong {number}", device=device)


def test_the_third_try_locks_for_as_long_as_the_policy_says(user, clock):
    tried(3)
    until = timezone.now() + timedelta(seconds=90)

    with pytest.raises(Locked, match="locked") as refused:
        tried(1, start=3)

    assert refused.value.until == until
    assert User.objects.get(pk=user.pk).locked_until == until
    row = SignInLockout.objects.get()
    assert (row.failures, row.locks, row.last_at) == (3, 1, timezone.now())
    clock.shift(timedelta(seconds=90))
    tried(1, start=3)
    assert SignInLockout.objects.get().locks == 2


@pytest.mark.parametrize("upn", [UPN, UNKNOWN])
def test_each_lock_is_on_record_once(user, clock, upn):
    tried(3, upn)
    clock.shift(timedelta(seconds=90))
    tried(1, upn, start=2)  # The password of before: no failure, no lock.
    tried(1, upn, start=3)

    events = Event.objects.filter(activity=Activity.SIGN_IN_LOCKED)
    expected = user.pk if upn == UPN else None
    assert [(one.outcome, one.subject_id, one.actor_id) for one in events] == [
        (Outcome.FAILURE, expected, None)
    ] * 2


def test_after_a_day_without_a_failure_it_begins_anew(user, clock):
    tried(2)
    clock.shift(timedelta(hours=24))
    tried(1, start=2)

    assert lockouts.failures_in("", UPN) == 1


def test_user_ids_and_places_are_counted_apart(user):
    tried(2)
    tried(2, device="a")
    tried(2, UNKNOWN)

    assert lockouts.failures_in("", UPN) == lockouts.failures_in("a", UPN) == 2
    assert lockouts.failures_in("b", UPN) == lockouts.failures_in("a", UNKNOWN) == 0
    assert SignInLockout.objects.count() == 3


def test_a_right_password_forgets_one_place_only(user):
    tried(2)
    tried(2, device="a")
    tried(2, UNKNOWN, device="a")

    lockouts.succeeded(UPN, device="a")

    assert lockouts.failures_in("a", UPN) == 0
    assert lockouts.failures_in("", UPN) == 2
    assert lockouts.failures_in("a", UNKNOWN) == 2
    lockouts.succeeded(UPN)
    assert lockouts.failures_in("", UPN) == 0


def test_the_administrator_ends_every_lock_of_one_user(user):
    other = make_user("yuna@contoso.example")
    for upn in (UPN, other.upn):
        tried(3, upn)
        tried(3, upn, device="a")

    lockouts.reset(user)

    assert lockouts.failures_in("", UPN) == lockouts.failures_in("a", UPN) == 0
    assert lockouts.failures_in("a", other.upn) == 3
    assert User.objects.get(pk=user.pk).locked_until is None
    assert User.objects.get(pk=other.pk).locked_until is not None
    lockouts.clear_failures(other)
    assert not SignInLockout.objects.exists()


@pytest.mark.parametrize("device", ["", "a"])
def test_a_machine_that_was_too_busy_gives_the_try_back(user, device):
    tried(2, device=device)

    with pytest.raises(Busy), lockouts.not_counted_if_not_compared(UPN, "wrong 1", device=device):
        raise Busy

    assert lockouts.failures_in(device, UPN) == 1
    tried(1, device=device)  # It is still known to be wrong.
    assert lockouts.failures_in(device, UPN) == 1
    tried(1, device=device, start=1)
    assert lockouts.failures_in(device, UPN) == 2


def test_only_the_newest_try_is_given_back_and_only_if_it_was_too_busy(user):
    tried(2)

    with pytest.raises(Busy), lockouts.not_counted_if_not_compared(UPN, "wrong 0"):
        raise Busy
    with pytest.raises(LookupError), lockouts.not_counted_if_not_compared(UPN, "wrong 1"):
        raise LookupError
    with lockouts.not_counted_if_not_compared(UPN, "wrong 1"):
        pass

    assert lockouts.failures_in("", UPN) == 2


def test_nothing_is_given_back_below_none(user):
    tried(1)
    SignInLockout.objects.update(failures=0)

    with pytest.raises(Busy), lockouts.not_counted_if_not_compared(UPN, "wrong 0"):
        raise Busy

    assert SignInLockout.objects.get().failures == 0


def test_a_password_typed_with_another_blank_is_the_same_try(user):
    count_a_try(UPN, "correct horse")
    count_a_try(UPN, "correct\xa0horse")

    assert lockouts.failures_in("", UPN) == 1


def test_what_is_kept_of_a_wrong_password_is_bound_to_user_and_tenant(user, hanbit):
    count_a_try(UPN, "wrong")
    count_a_try(UNKNOWN, "wrong")
    with in_tenant(hanbit.pk):
        count_a_try(UPN, "wrong")
        (elsewhere,) = SignInLockout.objects.all()

    kept = [row.recent[0] for row in (*SignInLockout.objects.all(), elsewhere)]
    assert len(set(kept)) == 3
    assert {len(one) for one in kept} == {32}
    assert len({row.who for row in (*SignInLockout.objects.all(), elsewhere)}) == 3


@pytest.mark.django_db(transaction=True)
def test_no_try_is_counted_in_a_transaction_that_could_undo_it(user):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        count_a_try(UPN, "wrong")


def test_a_browser_is_known_for_who_signed_in_there(user):
    other = make_user("yuna@contoso.example")
    cookie = lockouts.made_known(user, "")
    both = lockouts.made_known(other, cookie)

    nonce = lockouts.device_of(UPN, cookie)
    assert len(nonce) == 32
    assert lockouts.device_of(other.upn, cookie) == lockouts.UNKNOWN_DEVICE
    assert lockouts.device_of(UPN, both) == nonce
    assert lockouts.device_of(other.upn, both) not in {nonce, lockouts.UNKNOWN_DEVICE}
    assert lockouts.made_known(user, both) == both
    assert lockouts.made_known(user, "x") != lockouts.made_known(user, "x")


def test_a_browser_remembers_the_five_newest(user):
    cookie = lockouts.made_known(user, "")
    others = [make_user(f"user{number}@contoso.example") for number in range(5)]
    for one in others[:4]:
        cookie = lockouts.made_known(one, cookie)
    before = lockouts.device_of(UPN, cookie)
    cookie = lockouts.made_known(others[4], cookie)

    assert before != lockouts.UNKNOWN_DEVICE
    assert lockouts.device_of(UPN, cookie) == lockouts.UNKNOWN_DEVICE
    assert all(lockouts.device_of(one.upn, cookie) for one in others)


def test_of_a_cookie_that_is_too_long_only_the_first_five_entries_are_read(user):
    right = lockouts.made_known(user, "")
    lies = "~".join(["a.b"] * 4)

    assert lockouts.device_of(UPN, f"{lies}~{right}") != lockouts.UNKNOWN_DEVICE
    assert lockouts.device_of(UPN, f"{lies}~a.b~{right}") == lockouts.UNKNOWN_DEVICE


@pytest.mark.parametrize("lie", ["", "~", ".", "a.", ".b", "a-b.c", "a.b-c", "a"])
def test_no_other_cookie_makes_a_browser_known(user, lie):
    assert lockouts.device_of(UPN, lie) == lockouts.UNKNOWN_DEVICE
    right = lockouts.made_known(user, lie)
    assert lockouts.device_of(UPN, right) != lockouts.UNKNOWN_DEVICE


def test_a_browser_is_known_after_a_new_key_and_not_after_all_sessions_ended(user, ring):
    cookie = lockouts.made_known(user, "")
    ring("a-new-key-" * 4, *settings.ENCRYPTION_KEYS)
    assert lockouts.device_of(UPN, cookie) != lockouts.UNKNOWN_DEVICE
    ring("a-new-key-" * 4)
    assert lockouts.device_of(UPN, cookie) == lockouts.UNKNOWN_DEVICE

    again = lockouts.made_known(user, "")
    User.objects.filter(pk=user.pk).update(session_epoch=user.session_epoch + 1)
    assert lockouts.device_of(UPN, again) == lockouts.UNKNOWN_DEVICE


def test_a_browser_is_known_in_one_tenant_only(user, hanbit):
    cookie = lockouts.made_known(user, "")

    with in_tenant(hanbit.pk):
        assert lockouts.device_of(UPN, cookie) == lockouts.UNKNOWN_DEVICE


def test_what_makes_a_browser_known_is_bound_to_its_place(user):
    nonce, _, mac = lockouts.made_known(user, "").partition(".")

    assert lockouts.device_of(UPN, f"{nonce}.{mac}") == nonce
    assert lockouts.device_of(UPN, f"{'0' * 32}.{mac}") == lockouts.UNKNOWN_DEVICE


def test_the_browser_of_an_operator_is_known_until_all_sessions_end(contoso):
    operator = make_operator()
    with in_tenant(NO_TENANT):
        cookie = lockouts.made_known(operator, "")
        before = lockouts.device_of(operator.upn, cookie)
        User.unscoped.filter(pk=operator.pk).update(session_epoch=operator.session_epoch + 1)

        assert before != lockouts.UNKNOWN_DEVICE
        assert lockouts.device_of(operator.upn, cookie) == lockouts.UNKNOWN_DEVICE
