"""The work that a page asks for, done as the page's script does it."""

import json
import re

import altcha

from limits import services as limits
from limits.models import Counter
from limits.services.counters import key_of
from verification.rules.captcha import Action, Suspicion
from verification.services.captcha import Captcha

NETWORK = "127.0.0.1"
_DRAWN = re.compile(
    r'name="(?:csrfmiddlewaretoken|ticket|page_ref)" value="[^"]*"|data-altcha="[^"]*"'
    r'|data-poll="[^"]*"|nonce="[^"]*"'
)


def solved(fields=None, *, action=Action.IDENTIFY, suspicion=Suspicion.MOST):
    """The fields of a form, and with them work that is enough for any suspicion."""
    return {"altcha": work(action, suspicion)} | (fields or {})


def work(action=Action.IDENTIFY, suspicion=Suspicion.NONE) -> str:
    return solution_of(Captcha(action, NETWORK, {}, suspicion).challenge)


def solution_of(challenge: str, **changed) -> str:
    """What a script would send back for this challenge."""
    given = altcha.Challenge.from_dict(json.loads(challenge) | changed)
    found = altcha.solve_challenge(given)
    assert found is not None
    return altcha.Payload(given, found).to_base64()


def came_from(limit, times=None, network=NETWORK):
    """So much came from a network already: as much as the limit allows, if no number is given."""
    limits.hit_from(network, limit)
    Counter.objects.filter(key=key_of(limit, network)).update(
        count=limit.value.times if times is None else times
    )


def ticket(action=Action.IDENTIFY, network=NETWORK) -> str:
    """The waiting ticket that a page carries."""
    return Captcha(action, network, {}, Suspicion.NONE).ticket


def without_work(page: str) -> str:
    """A page without the parts that differ each time: its token, its ticket and its work."""
    return _DRAWN.sub("", page)
