"""What is known about an attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from directory.connectors import connector_of
from directory.models import User
from directory.queries import in_scope
from isolation.scope import current_tenant_id
from reset.models import Evidence, ResetAttempt
from reset.refusals import Circumstances
from reset.rules import Facts, Goal, are_enough
from tenants.policy import (
    Method,
    Policy,
    Proof,
    Scope,
    Unknown,
    for_administrators,
    from_plain,
    strictest,
)
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Role
from vault.keyed import digits, fingerprint
from vault.keyring import purpose_key
from vault.services import opened, tenant_key
from verification.models import Challenge, Purpose
from verification.queries import Waiting, challenges_in, waiting_among
from verification.queries.holdings import (
    Holdings,
    Kept,
    held_since,
    holdings_among,
    kept_of,
)
from verification.services.guesses import Budget, Paused, pause_of

_NOBODY = 0
_MANY = 2**62


@dataclass(frozen=True, kw_only=True)  # without slots: what was asked for once is kept
class Standing:
    """An attempt and all that its pages and its next step depend on.

    It's asked for once for a page, and again in the transaction that changes something. What only
    some pages need is read when the first of them asks, whoever it is about.

    Args:
        policy: the stricter of the one at the start and the one now; None if nobody can meet both.
        challenges: all of this attempt, newest first, each with when it was proved.
    """

    attempt: ResetAttempt
    user: User | None
    policy: Policy | None
    challenges: Sequence[Challenge]

    @cached_property
    def facts(self) -> Facts:
        """All that the next step depends on."""
        return _facts(self)

    @cached_property
    def holdings(self) -> Holdings:
        """What the user could prove now, but for what was registered just now."""
        return holdings_among(self.kept, self.policy or policy_in_force(), at=timezone.now())

    @cached_property
    def kept(self) -> Kept:
        return kept_of(self.attempt.user_id or _NOBODY, self.user)

    @cached_property
    def pause(self) -> Paused | None:
        """The pause in which nothing is compared that is guessed at this attempt's user."""
        return pause_of(self.attempt.user_id or _NOBODY, budget_of(self.attempt))

    @property
    def waiting(self) -> Waiting | None:
        return waiting_among(self.challenges)


def browser_mac(cookie: str) -> str:
    return fingerprint(purpose_key("browser"), cookie)


def attempt_of(cookie: str) -> ResetAttempt | None:
    """The attempt of a browser. The one read before a tenant is known: the cookie is the proof."""
    if not cookie:
        return None
    attempts = ResetAttempt.unscoped.select_related("policy_version")
    return attempts.filter(browser=browser_mac(cookie)).first()


def user_of(attempt: ResetAttempt, *, lock: bool = False) -> User | None:
    """The attempt's user, as long as nobody disabled or froze them or changed their password."""
    users = User.objects.select_for_update() if lock else User.objects
    return users.filter(
        pk=attempt.user_id or _NOBODY,
        enabled=True,
        frozen_at=None,
        session_epoch=attempt.session_epoch,
    ).first()


def username_of(attempt: ResetAttempt) -> str:
    """What was typed as the user ID."""
    if not attempt.username:
        return ""
    place = attempt.place_of("username", attempt.pk)
    return opened(attempt.username, tenant_id=attempt.tenant_id, place=place)


def policy_for(user: User | None) -> Policy | None:
    """The policy in force, as it is for this user; None if no administrator could meet it."""
    policy = policy_in_force()
    if user is not None and Role(user.role).is_administrator:
        return for_administrators(policy)
    return policy


def policy_of(attempt: ResetAttempt, user: User | None) -> Policy | None:
    """The stricter of the policy at the start and now; None when nobody can meet both."""
    now = policy_for(user)
    version = attempt.policy_version
    start = from_plain(version.values if version else attempt.policy)
    return strictest(start, now) if now else None


def number_of_nobody(upn: str) -> int:
    """What stands for a user ID that nobody has, below zero: always the same for the same one.

    Its tries are counted, and its questions drawn, as those of a user are: a new key of the ring
    changes neither.
    """
    key = tenant_key(current_tenant_id(), "number of nobody")
    return -1 - digits(key, upn, below=_MANY)


def budget_of(attempt: ResetAttempt) -> Budget:
    """What the guesses of this attempt are counted against."""
    return Budget.KNOWN_BROWSER if attempt.from_known_browser else Budget.SELF_SERVICE


def conceals(attempt: ResetAttempt) -> bool:
    """Whether everybody is shown the same in this attempt, since it began."""
    return from_plain(attempt.policy).unknown_users is Unknown.DECOY


def standing_of(attempt: ResetAttempt, *, lock: bool = False) -> Standing:
    """How the attempt stands now. The same is asked about a user ID that nobody has.

    Args:
        lock: others who ask like that about the same user wait until this transaction ends.
    """
    user = user_of(attempt, lock=lock)
    return Standing(
        attempt=attempt,
        user=user,
        policy=policy_of(attempt, user),
        challenges=list(_challenges_of(attempt)),
    )


def _challenges_of(attempt: ResetAttempt) -> QuerySet[Challenge]:
    """Each with when and how it was proved by the attempt's user; None if it wasn't."""
    evidence = Evidence.objects.filter(
        attempt=attempt.pk, user_id=attempt.user_id or _NOBODY, challenge_id=OuterRef("pk")
    )
    found = challenges_in(Purpose.RESET, attempt.pk)
    return found.annotate(
        proved_at=Subquery(evidence.values("passed_at")),
        temporary_access=Subquery(evidence.values("temporary_access")),
    )


def _facts(standing: Standing) -> Facts:
    attempt, user, policy = standing.attempt, standing.user, standing.policy
    goes_on = _may_go_on(user) and policy is not None
    identified, hides = attempt.user_id is not None, conceals(attempt)
    denied = standing.waiting is not None and standing.waiting.is_denied
    # Nobody can answer a call and say so: where that must not show, it leads nowhere instead.
    leads_on = goes_on and not attempt.concealed and not (hides and denied)
    passed = _passed(standing)
    return Facts(
        policy=policy or policy_in_force() if hides else policy,
        started_at=attempt.started_at,
        identified=identified,
        goal=Goal(attempt.goal) if attempt.goal else None,
        passed=passed if leads_on or not hides else frozenset(),
        finished=attempt.finished_at is not None,
        refused=bool(attempt.refused) or (identified and not hides and not goes_on),
        denied=denied and not hides,
        leads_on=leads_on,
    )


def _may_go_on(user: User | None) -> bool:
    """Whether self-service is still on for the user: it may have been switched off meanwhile.

    The same questions are asked about a user who doesn't exist.
    """
    policy = policy_for(user)
    allowed = in_scope(user.pk if user else _NOBODY, policy or policy_in_force())
    if user is None or policy is None or not tenant_in_force().enabled:
        return False
    return allowed and (policy.admin_self_reset or not Role(user.role).is_administrator)


def _passed(standing: Standing) -> frozenset[Method]:
    """The methods that were proved in this attempt by its user, who still holds them unchanged.

    Who proved nothing yet, as everybody at first and nobody for ever, isn't asked what they hold.
    """
    proved: dict[Method, datetime] = {
        Method(one.method): at
        for one in standing.challenges
        if (at := one.proved_at)  # type: ignore[attr-defined]  # from the evidence
    }
    if not proved:
        return frozenset()
    since = held_since(standing.kept, policy_in_force())
    # Of a set of recovery codes the last one counts, though none is left to be given.
    counting = {thing.proof for thing in standing.holdings.held} | {Proof.RECOVERY_CODE}
    return frozenset(
        method
        for method, at in proved.items()
        if method.proof in counting & since.keys() and since[method.proof] <= at
    )


def proved_in_temporary_access(standing: Standing) -> bool:
    """Whether a gate was passed with what was registered in temporary access, if only once.

    It may have been removed since: what is there instead proved nothing.
    """
    return any(one.temporary_access for one in standing.challenges)  # type: ignore[attr-defined]  # from the evidence


def circumstances(user: User | None, policy: Policy | None, *, paused: bool) -> Circumstances:
    """What the checks need. The same questions are asked about a user who doesn't exist."""
    decided = policy or Policy()
    user_id = user.pk if user else _NOBODY
    holdings = holdings_among(kept_of(user_id, user), decided, at=timezone.now())
    ways = holdings.ways(decided.methods)
    unguessable = [way for way in ways if way.method.is_unguessable]
    is_admin = user is not None and Role(user.role).is_administrator
    return Circumstances(
        known=user is not None,
        enabled=user is not None and user.enabled,
        frozen=user is not None and user.frozen_at is not None,
        self_service_on=decided.self_service is not Scope.NONE,
        in_scope=in_scope(user_id, decided),
        may_as_administrator=not is_admin or decided.admin_self_reset,
        # A stranger who guesses doesn't keep away who holds what can't be guessed.
        paused=paused and not are_enough(unguessable, decided),
        enough_methods=policy is not None and are_enough(ways, policy),
        writable=user is not None and connector_of(user).state(user).writable,
    )
