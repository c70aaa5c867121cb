"""Whether it is known who is on the telephone."""

import uuid

from directory.models import User
from tenants.policy import Method
from verification.models import CallerCheck
from verification.queries.callers import caller_holdings
from verification.rules.ways import MethodOption

_READ_OUT = frozenset(method for method in Method if method.is_code)


def check_of(agent: User, check_id: uuid.UUID) -> CallerCheck | None:
    """A check that this agent began."""
    return CallerCheck.objects.filter(pk=check_id, agent_id=agent.pk).first()


def options_to_verify(person: User) -> list[MethodOption]:
    """What a code can be sent to, for the caller to read out."""
    return caller_holdings(person.pk).ways(_READ_OUT)
