"""A secret that is shown once is issued once: loading its page again issues nothing."""

import re

import pytest
import time_machine
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from tenants.policy import Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_tenant, make_user
from tests.console.people import behind_both, make_admin, token_of
from tests.threads import all_at_once
from verification.models import AccessPass

LIST = "/admin/people/"
SECRETS = {"temporary-password": "password", "access-pass": "letters"}


def filled(client, path):
    token = token_of(client, path)
    return {"token": token, "minutes": "60", "once": "on", "note": "ticket 12"}


def issued():
    activities = [Activity.TEMPORARY_PASSWORD, Activity.ACCESS_PASS_ISSUED]
    return Event.objects.filter(activity__in=activities).count()


@pytest.mark.parametrize("action", SECRETS)
def test_the_page_of_a_secret_loaded_again_issues_no_second_one(person, helpdesk, mailroom, action):
    path = f"{LIST}{person.pk}/do/{action}/"
    typed = filled(helpdesk, path)
    first = helpdesk.post(path, typed)
    password = User.objects.get(pk=person.pk).password
    passes = list(AccessPass.objects.values_list("mac", flat=True))
    mails = len(mailroom.work())

    again = helpdesk.post(path, typed, follow=True)

    assert first.context[SECRETS[action]] in first.text
    assert again.redirect_chain == [(f"{LIST}{person.pk}/", 302)]
    assert "Already issued. Issue a new one if it wasn’t copied." in again.text
    assert User.objects.get(pk=person.pk).password == password
    assert list(AccessPass.objects.values_list("mac", flat=True)) == passes
    assert issued() == 1
    assert len(mailroom.sent) == mails


@pytest.mark.parametrize("action", SECRETS)
def test_a_form_that_was_opened_anew_issues_another(person, helpdesk, action):
    path = f"{LIST}{person.pk}/do/{action}/"

    for _ in range(2):
        assert SECRETS[action] in helpdesk.post(path, filled(helpdesk, path)).context
    assert issued() == 2


@pytest.mark.parametrize("action", SECRETS)
def test_a_form_that_was_refused_can_be_sent_again(person, helpdesk, action):
    path = f"{LIST}{person.pk}/do/{action}/"
    typed = filled(helpdesk, path)

    refused = helpdesk.post(path, typed | {"note": ""})

    assert f'value="{typed["token"]}"' in refused.text
    assert SECRETS[action] in helpdesk.post(path, typed).context


@pytest.mark.parametrize("action", SECRETS)
def test_a_form_without_a_token_issues_nothing(person, helpdesk, action):
    path = f"{LIST}{person.pk}/do/{action}/"

    helpdesk.post(path, filled(helpdesk, path) | {"token": ""})

    assert issued() == 0


@pytest.mark.parametrize("action", SECRETS)
def test_the_session_never_holds_the_secret(person, helpdesk, action):
    path = f"{LIST}{person.pk}/do/{action}/"

    page = helpdesk.post(path, filled(helpdesk, path))

    assert page.context[SECRETS[action]] not in str(dict(helpdesk.session))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", SECRETS)
def test_of_one_form_sent_many_times_at_once_one_issues(action):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        person = make_user()
        client = behind_both(make_admin("help@contoso.example", role=Role.HELPDESK))
    path = f"{LIST}{person.pk}/do/{action}/"
    typed = filled(client, path)

    def send():
        same_browser = Client()
        same_browser.cookies = client.cookies.copy()
        return same_browser.post(path, typed)

    pages = all_at_once(8, send, tenant_id=tenant.pk)

    assert sorted(page.status_code for page in pages) == [200] + [302] * 7
    assert {page.url for page in pages if page.status_code == 302} == {f"{LIST}{person.pk}/"}
    with in_tenant(tenant.pk):
        assert issued() == 1


def test_the_page_of_a_temporary_password_says_when_it_ends(person):
    change_policy(Policy(self_service=Scope.ALL, temporary_password_hours=30))
    with time_machine.travel("2026-11-23T01:00Z", tick=False):
        client = behind_both(make_admin("late@contoso.example"))
        path = f"{LIST}{person.pk}/do/temporary-password/"
        page = client.post(path, filled(client, path))

    assert re.search(r"Valid until <time[^>]*>24 November 2026, 16:00 KST</time>\.", page.text)
