"""Proof of work, and the waiting ticket for who has no script. Both are good once.

Neither is a gate: it only makes each try cost something, and more under an attack.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import altcha
from django.core import signing
from django.utils import timezone

from directory.rules import canonical_upn
from isolation.scope import NO_TENANT
from limits import services as limits
from limits.rules import Limit, masked_network
from limits.services import Count
from tenants.queries import in_tenant_of, tenant_of
from vault.keyring import purpose_key
from verification.rules import captcha as rules
from verification.rules.captcha import Action, Finding, Suspicion
from verification.services import guessing_alerts, lockouts

_ALGORITHM = "PBKDF2/SHA-256"
_MOST_SENT = 4_096
_FAILURES = (5, 20, 50, Limit.SIGN_IN_FAILURES_FROM_A_NETWORK.value.times)
"""How many failed sign-ins from a network bring on each suspicion."""
_WRONG_PASSWORDS_UNNOTICED = 3
_WAITS = Limit.WAITS_OF_A_NETWORK
_EVER = Limit.USER_IDS_FROM_A_NETWORK_AT_MOST
_LATELY = Limit.USER_IDS_FROM_A_NETWORK_LATELY


@dataclass(slots=True)
class Captcha:
    """What came back with a page, and what the next one asks for.

    Args:
        action: what it is asked for.
        network: that the request came from.
        sent: the fields of the request.
        suspicion: how much to ask for on the next page.
        needed: whether the page says anything of it before something went wrong.
        beside: what is counted with the work once it's used up, in the same statement.
    """

    action: Action
    network: str
    sent: Mapping[str, str]
    suspicion: Suspicion = Suspicion.NONE
    needed: bool = True
    beside: Sequence[Count] = ()
    finding: Finding | None = None
    is_beside_counted: bool = field(default=False, init=False)
    _ticket: "_Ticket | None" = field(default=None, init=False)
    _crowded_until: datetime | None = field(default=None, init=False)
    _challenge: altcha.Challenge | None = field(default=None, init=False)
    _was_verified: bool = field(default=False, init=False)
    _has_expired: bool = field(default=False, init=False)

    @property
    def is_paid_for(self) -> bool:
        """Whether some work was done, or some time waited: worth looking up what is asked.

        Whether it's enough depends on the suspicion, which depends on the user ID.
        """
        if self._verified() is not None:
            return True
        held = self._ticket_sent()
        least = rules.ripe(held.at, timezone.now(), Suspicion.NONE) if held else None
        return least is Finding.PASSED

    def judge(self, suspicion: Suspicion) -> Finding:
        """Whether the work was done, or the time waited, that so much suspicion asks for.

        What passed is used up.
        """
        self.suspicion, self.needed = suspicion, True
        worked = self._worked()
        waited = None if worked is Finding.PASSED else self._waited()
        passed = Finding.PASSED in {worked, waited}
        self.finding = Finding.PASSED if passed else worked or waited or Finding.FAILED
        return self.finding

    @property
    def challenge(self) -> str:
        """New work, as JSON for the page's script."""
        tries = self.suspicion.tries
        made = altcha.create_challenge(
            _ALGORITHM,
            rules.ROUNDS,
            counter=tries.start + secrets.randbelow(len(tries)),
            expires_at=timezone.now() + rules.LIFETIME,
            data={"for": self.action.value, "suspicion": int(self.suspicion)},
            hmac_secret=purpose_key("captcha"),
        )
        return json.dumps(made.to_dict())

    @property
    def ticket(self) -> str:
        """The ticket of this page: the one that was sent, as long as it can still be used."""
        held = self._carried()
        value = [self.action, masked_network(self.network), held.id, int(held.at.timestamp())]
        return signing.dumps(value, key=_ticket_key(), salt="waiting ticket")

    @property
    def ripe_at(self) -> datetime:
        """From when the ticket is good."""
        ripe_at = self._carried().at + self.suspicion.wait
        return max(ripe_at, self._crowded_until or ripe_at)

    def carried(self) -> dict[str, str]:
        """What the page needs when it is opened again, so that the wait doesn't begin anew."""
        finding = self.finding.name if self.finding else ""
        return {"ticket": self.ticket, "finding": finding, "suspicion": self.suspicion.name}

    def carry_on(self, carried: Mapping[str, str]) -> None:
        """Goes on from what an earlier page was: its ticket, and why it was not enough."""
        self.sent = {"ticket": carried["ticket"]}
        self.suspicion = Suspicion[carried["suspicion"]]
        if carried["finding"]:
            self.finding, self.needed = Finding[carried["finding"]], True

    @property
    def signs_in(self) -> bool:
        return self.action is Action.SIGN_IN

    @property
    def wait_s(self) -> int:
        """Seconds that a new ticket takes to ripen."""
        return int(self.suspicion.wait.total_seconds())

    def _worked(self) -> Finding | None:
        """Nothing where the page's script sent nothing."""
        if not self.sent.get("altcha"):
            return None
        challenge = self._verified()
        if challenge is None:
            return Finding.EXPIRED if self._has_expired else Finding.FAILED
        data = challenge.parameters.data or {}
        enough = data.get("suspicion", -1) >= self.suspicion
        if data.get("for") != self.action or not enough:
            return Finding.FAILED
        return self._spent(challenge.parameters.nonce)

    def _verified(self) -> altcha.Challenge | None:
        """The work that was done, if it was: signed by us, so that all in it is as we wrote it."""
        if self._challenge is None and not self._was_verified:
            self._was_verified = True
            payload = self.sent.get("altcha", "")
            if payload and len(payload) <= _MOST_SENT:
                verified = altcha.verify_solution(payload, purpose_key("captcha"))
                self._has_expired = verified.expired
                if verified.verified:
                    self._challenge = altcha.Payload.from_base64(payload).challenge
        return self._challenge

    def _waited(self) -> Finding | None:
        held = self._ticket_sent()
        if held is None:
            return None
        finding = rules.ripe(held.at, timezone.now(), self.suspicion)
        if finding is not Finding.PASSED:
            return finding
        most = self.suspicion.waits_within(_WAITS.value.per)
        turn = limits.hit_from(self.network, _WAITS, self.action, at_most=most)
        if not turn.allowed:
            self._crowded_until = turn.until
            return Finding.CROWDED
        held.spent = True
        spent = self._spent(held.id)
        if spent is not Finding.PASSED:
            limits.give_back_from(self.network, _WAITS, self.action)
        return spent

    def _spent(self, of: str) -> Finding:
        verdict = limits.hit_all(Count(Limit.CAPTCHA_OF_A_PAGE, of), beside=self.beside)
        if not verdict.allowed:
            return Finding.FAILED
        self.is_beside_counted = verdict.beside
        return Finding.PASSED

    def _carried(self) -> "_Ticket":
        held, now = self._ticket_sent(), timezone.now()
        usable_from = self._crowded_until or now
        if (
            held is None
            or held.spent
            or rules.ripe(held.at, usable_from, self.suspicion) is Finding.EXPIRED
        ):
            held = self._ticket = _Ticket(secrets.token_hex(16), now)
        return held

    def _ticket_sent(self) -> "_Ticket | None":
        if self._ticket is None:
            self._ticket = _read(
                self.sent.get("ticket", ""), self.action, masked_network(self.network)
            )
        return self._ticket


@dataclass(slots=True)
class _Ticket:
    id: str
    at: datetime
    spent: bool = False


def suspicion_at_identify(upn: str, network: str, known: str = "") -> Suspicion:
    """How much to ask of who wants to reset the password of this user ID, known or not.

    Args:
        known: the cookie by which the browser is known to users who signed in there before.
    """
    tenant = tenant_of(upn)
    is_known = bool(known) and _is_known(canonical_upn(upn), known)
    return suspicion_of(
        network, tenant_id=tenant.pk if tenant else NO_TENANT, known=known if is_known else ""
    )


def suspicion_of(network: str, *, tenant_id: int | None = None, known: str = "") -> Suspicion:
    """One step for a network that tried many user IDs, one for an organisation under attack.

    The most for a network that tried very many. What others in a network did doesn't count for
    a browser that is known.

    Args:
        known: as long as the user ID isn't known, the cookie is believed: an attacker
            who invents one gets a page with little work, too little once the user ID is there.
    """
    if known:
        return Suspicion(tenant_id is not None and guessing_alerts.is_raised(tenant_id))
    alarm = [] if tenant_id is None else [guessing_alerts.raised(tenant_id)]
    counts = limits.read_from(network, _EVER, _LATELY, beside=alarm)
    if counts[_EVER].times >= Limit.USER_IDS_FROM_A_NETWORK.value.times:
        return Suspicion.MOST
    attacked = any(counts[count.limit].until for count in alarm)
    return Suspicion((counts[_LATELY].until is not None) + attacked)


def suspicion_at_sign_in(network: str, upn: str = "", known: str = "") -> Suspicion | None:
    """How much to ask of who signs in; None, and so nothing, where hardly anything went wrong.

    What others in the network did doesn't count for a browser that the user is known from.

    Args:
        upn: as typed; it counts whether or not it exists. Nothing before it is known.
        known: the cookie by which the browser is known to users who signed in there before.
            Without a user ID it is believed, see `suspicion_of`.
    """
    canonical = canonical_upn(upn) if upn else ""
    if not known or (canonical and not _is_known(canonical, known)):
        failures = limits.count_from(network, Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)
        for suspicion, most in zip(reversed(Suspicion), reversed(_FAILURES), strict=True):
            if failures >= most:
                return suspicion
    if not canonical:
        return None
    with in_tenant_of(canonical):
        failures = lockouts.failures_in(lockouts.device_of(canonical, known), canonical)
    return Suspicion.NONE if failures >= _WRONG_PASSWORDS_UNNOTICED else None


def count_a_user_id(network: str, *, is_known: bool = False) -> limits.LimitVerdict:
    """One more user ID was tried from there; whether it may be looked up.

    Args:
        is_known: the user signed in before in this browser, which is never refused.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    deciding = [] if is_known else limits.counts_from(network, _EVER)
    return limits.hit_all(*deciding, beside=limits.counts_from(network, _LATELY))


def counted_as_user_id(network: str) -> list[Count]:
    """What `count_a_user_id` counts where the browser isn't known."""
    return [*limits.counts_from(network, _EVER), *limits.counts_from(network, _LATELY)]


def _is_known(upn: str, known: str) -> bool:
    with in_tenant_of(upn):
        return lockouts.device_of(upn, known) != lockouts.UNKNOWN_DEVICE


def _read(ticket: str, action: Action, where: str) -> _Ticket | None:
    if not ticket or len(ticket) > _MOST_SENT:
        return None
    try:
        for_action, for_place, name, issued = signing.loads(
            ticket, key=_ticket_key(), salt="waiting ticket"
        )
    except (signing.BadSignature, ValueError):
        return None
    if (for_action, for_place) != (action, where):
        return None
    return _Ticket(name, datetime.fromtimestamp(issued, UTC))


def _ticket_key() -> str:
    return purpose_key("waiting ticket").hex()
