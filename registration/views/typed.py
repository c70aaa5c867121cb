"""What a user typed before a code was sent to it, to be shown again."""

from django.http import HttpRequest

from delivery.rules.mailboxes import mailbox_key
from delivery.rules.phones import shown
from directory.models import User
from registration.queries import admin_entered_of
from registration.views.frame import context_of
from tenants.policy import Factor, Method
from tenants.queries import tenant_in_force
from verification.models import Challenge, Purpose
from verification.queries import challenges_in, destination_of


def typed_before(request: HttpRequest, user: User, factor: Factor) -> str:
    """The address or number whose code this session waits for, for the field it was typed in."""
    methods = [method for method in Method if method.factor is factor]
    challenges = challenges_in(Purpose.REGISTER, context_of(request)).filter(method__in=methods)
    challenge = challenges.filter(user_id=user.pk).first()
    return "" if challenge is None or challenge.spent_at else typed_in(user, challenge)


def typed_in(user: User, challenge: Challenge) -> str:
    """What the user typed, as it is written for people; empty for what an administrator entered.

    What was entered by others is only shown masked until it was verified.
    """
    destination = destination_of(challenge)
    entered = admin_entered_of(user).get(Method(challenge.method).factor)
    is_entered = entered is not None and mailbox_key(entered.value) == mailbox_key(destination)
    if not destination or is_entered:
        return ""
    if "@" in destination:
        return destination
    number, _hash, extension = destination.partition("#")
    return shown(number, home=tenant_in_force().country, extension=extension)
