"""Rows for tests, each valid as it comes: say only what the test is about."""

import hashlib
import json
import uuid
from dataclasses import replace

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_attestation_object,
)

from delivery.rules.phones import phone
from directory.models import User
from directory.queries import prefilled
from directory.services.contacts_of_person import FILLED, enter, fill
from isolation.scope import current_tenant_id
from tenants.models import Tenant
from tenants.policy import Factor, Policy, Scope
from tenants.services import NewTenant, create_tenant
from tests.captcha import solved
from vault.services import seal_column
from verification.models import RegisteredMethod
from verification.queries import blind_index
from verification.rules.captcha import Action
from verification.services import factors, recovery_codes
from verification.services.questions import save_answers

PASSWORD = "old horse battery"
_HASH = make_password(PASSWORD)
ANSWERS = {"q01": "spaghetto", "q02": "fort crumb", "q03": "the four", "q04": "zorro", "q05": "bun"}


def make_tenant(slug="contoso", *, policy=None, **more) -> Tenant:
    chosen = policy or Policy(self_service=Scope.ALL)
    new_tenant = {
        "name": slug.title(),
        "slug": slug,
        "domains": (f"{slug}.example",),
        "country": "KR",
        "language": "en",
        "time_zone": "Asia/Seoul",
        "policy": chosen,
    }
    return create_tenant(NewTenant(**(new_tenant | more)))


def make_user(upn="minji@contoso.example", *, password=None, **more) -> User:
    return User.unscoped.create(
        tenant_id=more.pop("tenant_id", None) or current_tenant_id(),
        upn=upn,
        display_name=more.pop("display_name", "Kim Minji"),
        password=make_password(password) if password else _HASH,
        **more,
    )


def signed_in(user, password=PASSWORD) -> Client:
    """A browser of its own, in which the user gave the password."""
    client = Client()
    fields = {"username": user.upn, "password": password}
    client.post("/signin", solved(fields, action=Action.SIGN_IN))
    return client


def make_method(user, factor, value="", *, sms_capable=True) -> RegisteredMethod:
    now = timezone.now()
    method = RegisteredMethod(
        user=user,
        kind=factor,
        lookup=blind_index(value),
        sms_capable=sms_capable,
        created_at=now,
        verified_at=now,
    )
    method.data = seal_column(method, "data", value)
    method.save(force_insert=True)
    factors.refresh([user.pk])
    return method


def make_email(user, address="minji.home@mail.example"):
    return make_method(user, Factor.EMAIL, address, sms_capable=False)


def make_phone(user, number="010-1234-5678"):
    found = phone(number, region="KR", countries=frozenset({"KR"}))
    return make_method(user, Factor.MOBILE_PHONE, found.e164, sms_capable=found.sms_capable)


def make_second_phone(user, number="010-8765-4321"):
    found = phone(number, region="KR", countries=frozenset({"KR"}))
    return make_method(user, Factor.ALTERNATE_PHONE, found.e164, sms_capable=found.sms_capable)


def make_questions(user, answers=None):
    return save_answers(user, answers or ANSWERS)


def make_prefill(user, factor, value, *, sms_capable=False, held=False) -> None:
    enter(user.pk, factor, value, sms_capable=sms_capable, held=held)
    factors.refresh([user.pk])


def as_if_entered(user, then, of=frozenset(Factor)) -> None:
    """Gives entered contact data this time of entry."""
    known = prefilled(user.pk)
    aged = {p: replace(one, changed_at=then) if p in of else one for p, one in known.items()}
    fill(user, aged, changed=(), held=False)
    user.save(update_fields=FILLED)
    factors.refresh([user.pk])


def make_passkey(user, device, *, rp_id="testserver"):
    """A passkey as that device would have made it; gives the device."""
    made_for = json.dumps({"challenge": "", "rp": {"id": rp_id}})
    made = json.loads(device.create(made_for))["response"]["attestationObject"]
    public_key = parse_attestation_object(base64url_to_bytes(made)).auth_data
    key = public_key.attested_credential_data.credential_public_key
    now = timezone.now()
    RegisteredMethod.objects.create(
        user=user,
        kind=Factor.PASSKEY,
        lookup=lookup_of(device),
        counter=device.count,
        details={
            "rp_id": rp_id,
            "credential_id": bytes_to_base64url(device.credential_id),
            "public_key": bytes_to_base64url(key),
            "transports": [],
        },
        created_at=now,
        verified_at=now,
    )
    factors.refresh([user.pk])
    return device


def of_kind(kind):
    """The rows of all users of one kind of method, verified or not."""
    return RegisteredMethod.objects.filter(kind=kind)


def lookup_of(device) -> str:
    """By which a passkey of the device is read."""
    return hashlib.sha256(device.credential_id).hexdigest()


def make_recovery_codes(user) -> list[str]:
    """A set in force; gives the codes, which can't be read again."""
    session = uuid.uuid4()
    codes = recovery_codes.new_set(user, session)
    assert recovery_codes.put_into_force(user, session)
    return codes
