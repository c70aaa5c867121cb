"""The promises of every connector, tested with each directory."""

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.utils import timezone

from directory.connectors import connector_of
from directory.connectors.base import Unreachable
from directory.models import User
from directory.queries import can_set_password, can_unlock, password_due
from tests.builders import PASSWORD, make_user

NEW = "correct horse battery staple"


def again(user):
    return User.objects.get(pk=user.pk)


def is_right(user, password):
    return connector_of(user).authenticate(again(user), password).is_right


class WritesPasswords:
    """For a directory whose passwords this service can set.

    Each subclass has a fixture `account`: a user of that directory.
    """

    def test_only_the_password_is_right(self, account):
        assert is_right(account, PASSWORD)
        assert not is_right(account, NEW)

    def test_an_empty_password_is_never_right(self, account):
        assert not is_right(account, "")

    def test_a_reset_and_a_change_set_the_password(self, account):
        connector = connector_of(account)

        connector.set_password(again(account), NEW)
        assert is_right(account, NEW)
        assert not is_right(account, PASSWORD)

        connector.change_password(again(account), NEW, PASSWORD)
        assert is_right(account, PASSWORD)
        assert not is_right(account, NEW)

    @pytest.mark.parametrize("does", ["set", "change", "withdraw"])
    def test_every_session_ends_with_the_password(self, account, does):
        connector, before = connector_of(account), again(account).get_session_auth_hash()

        match does:
            case "set":
                connector.set_password(again(account), NEW)
            case "change":
                connector.change_password(again(account), PASSWORD, NEW)
            case _:
                connector.withdraw_password(again(account))

        assert again(account).get_session_auth_hash() != before

    def test_a_withdrawn_password_is_wrong_until_another_is_set(self, account):
        connector = connector_of(account)

        connector.withdraw_password(again(account))
        assert not is_right(account, PASSWORD)

        connector.set_password(again(account), NEW)
        assert is_right(account, NEW)

    def test_unlocking_lifts_the_lock_and_keeps_the_password(self, account):
        self.lock(account)
        assert can_unlock(again(account))

        connector_of(account).unlock(again(account))

        assert not connector_of(account).state(again(account)).locked
        assert not can_unlock(again(account))
        assert is_right(account, PASSWORD)

    def test_a_new_password_lifts_the_lock(self, account):
        self.lock(account)

        connector_of(account).set_password(again(account), NEW)

        assert not connector_of(account).state(again(account)).locked

    def test_a_disabled_account_is_said_to_be_disabled(self, account):
        assert connector_of(account).state(again(account)).enabled

        self.disable(account)

        assert not connector_of(account).state(again(account)).enabled

    def test_it_says_that_it_can(self, account):
        assert can_set_password(account)


class TestBuiltin(WritesPasswords):
    @pytest.fixture
    def account(self, contoso):
        return make_user()

    def lock(self, account):
        locked_until = timezone.now() + timedelta(minutes=5)
        User.objects.filter(pk=account.pk).update(locked_until=locked_until)

    def disable(self, account):
        User.objects.filter(pk=account.pk).update(enabled=False)


class TestElsewhere:
    """A directory that this installation has no connector for."""

    @pytest.fixture
    def account(self, contoso):
        return make_user(connector="ldap", locked_until=timezone.now() + timedelta(minutes=5))

    def test_no_password_is_right(self, account):
        assert not is_right(account, PASSWORD)
        assert not is_right(account, "")
        assert authenticate(username=account.upn, password=PASSWORD) is None

    @pytest.mark.parametrize(
        ("name", "passwords"),
        [
            ("set_password", [NEW]),
            ("change_password", [PASSWORD, NEW]),
            ("withdraw_password", []),
            ("unlock", []),
        ],
    )
    def test_nothing_can_be_changed(self, account, name, passwords):
        before = User.objects.filter(pk=account.pk).values().get()

        with pytest.raises(Unreachable):
            getattr(connector_of(account), name)(account, *passwords)

        assert User.objects.filter(pk=account.pk).values().get() == before

    def test_it_says_that_it_can_not(self, account):
        assert not can_set_password(account)
        assert not can_unlock(account)
        assert password_due(account) is None
