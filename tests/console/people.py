"""Administrators in front of the admin, behind both factors."""

import base64
import re
import time
from contextlib import suppress
from dataclasses import replace

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp

from audit.models import Event
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import PASSWORD, make_user, signed_in
from vault.services import seal_column
from verification.models import RegisteredMethod
from verification.services import factors
from verification.services.guesses import Throttled, count_a_guess
from verification.session import Session

SEED = "3132333435363738393031323334353637383930"


def make_admin(upn="admin@contoso.example", role=Role.TENANT_ADMIN, **more):
    return make_user(upn, role=role, **more)


def helpdesk_of(user):
    """A user of the helpdesk of the user's organisation."""
    upn = f"helpdesk@{user.upn.partition('@')[2]}"
    return User.objects.filter(upn=upn).first() or make_admin(upn, role=Role.HELPDESK)


def make_operator(upn="operator@service.example"):
    hashed = make_password(PASSWORD)
    return User.unscoped.create(upn=upn, tenant_id=None, role=Role.OPERATOR, password=hashed)


def with_app(user) -> RegisteredMethod:
    """An app that is paired with the account."""
    with in_tenant(user.tenant_id or NO_TENANT):
        now = timezone.now()
        row = RegisteredMethod(
            user=user, kind=Factor.AUTHENTICATOR, created_at=now, verified_at=now
        )
        row.data = seal_column(row, "data", SEED)
        row.save(force_insert=True)
        factors.refresh([user.pk])
    return row


def code_now(seed=SEED, steps=0) -> str:
    return f"{totp(bytes.fromhex(seed), t0=-30 * steps):06d}"


def wrong_code(seed=SEED) -> str:
    """Six digits that the app shows neither now nor within a minute."""
    shown = {code_now(seed, steps) for steps in range(-3, 4)}
    return next(code for code in (f"{digit}" * 6 for digit in range(10)) if code not in shown)


def code_shown(page) -> str:
    """The code of an app that was just told the key on the page."""
    return code_now(seed_shown(page))


def seed_shown(page) -> str:
    """The seed of the app whose key the page shows."""
    found = re.search(r'class="key"[^>]*>([A-Z2-7 ]+)<', page.text)
    assert found
    return base64.b32decode(found[1].replace(" ", "")).hex()


def behind_both(user) -> Client:
    """A browser behind both factors."""
    client = signed_in(user)
    with in_tenant(user.tenant_id or NO_TENANT):
        apps = RegisteredMethod.objects.filter(user=user, kind=Factor.AUTHENTICATOR)
        paired = apps.filter(verified_at__isnull=False).exists()
    if not paired:
        with_app(user)
    assert client.post("/admin/second-factor/", {"code": code_now()}).status_code == 302
    return client


def time_passes(client: Client, seconds: float) -> None:
    """As if the second factor had been passed that much earlier."""
    session = Session(client.session)
    assert session.step_up
    session.step_up = replace(session.step_up, at=time.time() - seconds)
    session.save()


def token_of(client: Client, path: str) -> str:
    """What the form at this address carries so that it is sent once; empty where there is none."""
    found = re.search(r'name="token" value="([^"]+)"', client.get(path).text)
    return found[1] if found else ""


def confirm(client: Client, path: str, **typed: str):
    """Opens the page of an action and sends its form, as a browser does."""
    return client.post(path, {"token": token_of(client, path)} | typed)


def without_token(page) -> str:
    """A page but for the token that is drawn anew each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.text)


def events(activity) -> list[Event]:
    return list(Event.objects.filter(activity=activity))


def block(user) -> None:
    """Guesses wrongly until the user is paused."""
    with suppress(Throttled):
        while True:
            count_a_guess(user.pk)
