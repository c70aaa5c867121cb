"""Whom a reset attempt is about: what is counted, offered, sent, compared and said.

There are two kinds of subject. In an organisation that tells people whether it knows a user ID, the
subject is `Known`, and its pages say what is true. In an organisation that conceals this, every
user ID is a `Decoy`, whether a user has it or not. What the pages of a decoy show depends on the
organisation and on the user ID as it was typed, never on a user. Only where a code is sent, and
whether an answer can be right, depends on whether a user stands behind the decoy who may reset.

The kind is chosen when the attempt begins, and chosen once for each request after that. Views and
services ask the subject; none of them asks of which kind it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from directory.models import User
from isolation.scope import current_tenant_id
from reset.models import ResetAttempt
from reset.refusals import Refusal
from reset.rules import available_methods
from tenants.policy import Method, Policy, Scope, Unknown
from tenants.queries import policy_in_force
from vault.keyed import digits
from vault.services import tenant_key
from verification.flow.disclosure import CONCEALING, DISCLOSING, Disclosure
from verification.flow.verify import NumberWanted
from verification.queries.deliverable import all_ways
from verification.rules.method_options import MethodOption
from verification.rules.verdicts import Verdict
from verification.services.challenges import ChallengeRequest

_MANY = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What the row of a new attempt says of its subject.

    Args:
        user_id: as it is stored; None for an unknown user ID of which that is said.
        refused: why the attempt ends at once, as everybody may know.
        concealed: why it can't succeed, as only the organisation may know.
        is_asked: whether the subject chooses between a new password and lifting the lock.
    """

    user_id: int | None
    refused: Refusal | None
    concealed: Refusal | None
    is_asked: bool


class Subject(Protocol):
    """What pages and services ask about the user ID of an attempt.

    Attributes:
        id: what tries, messages and pauses are counted by: the user's id, or a number below zero
            for an unknown user ID.
        user: the user, where the attempt can succeed. None otherwise.
        policy: what the attempt is judged by: the stricter of the policies at its start and now.
            None where no user can meet both.
    """

    @property
    def id(self) -> int: ...

    @property
    def user(self) -> User | None: ...

    @property
    def policy(self) -> Policy | None: ...

    @property
    def verify_id(self) -> int:
        """User id to verify answers against; 0 when the attempt can't succeed."""
        ...

    @property
    def disclosure(self) -> Disclosure:
        """What pages say; other rooms answer alike, whatever is known, where it conceals."""
        ...

    @property
    def is_refused(self) -> bool:
        """Whether the attempt ends here, because the user may not reset any more."""
        ...

    @property
    def is_denied(self) -> bool:
        """Whether the attempt ends here, because a call was answered with "this isn't me"."""
        ...

    def offered(
        self, options: Sequence[MethodOption], passed: frozenset[Method]
    ) -> list[MethodOption]:
        """What the page offers for the next gate, strongest first.

        Args:
            options: what can be used now to prove that it is the user.
            passed: the methods that were passed.
        """
        ...

    def takes_number(self, *, is_right: bool) -> bool:
        """Whether the page goes on after the whole number of a phone was typed."""
        ...

    def request_once_replaced(self, request: ChallengeRequest) -> ChallengeRequest:
        """What is asked for again where the number was replaced since it was typed.

        Raises:
            NumberWanted: nothing; the number has to be typed anew.
        """
        ...

    def verdict_once_replaced(self, verdict: Verdict) -> Verdict:
        """The verdict on a code that was sent to what the user doesn't hold any more."""
        ...

    def whose_passkeys(self) -> int:
        """The user id whose passkeys the page names to the browser; 0 for none."""
        ...

    def steps(self, gates: int) -> int:
        """How many steps the page says that there are; 0 where it doesn't count them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The subject where the organisation tells known user IDs from unknown ones."""

    id: int
    user: User | None
    policy: Policy | None
    is_denied: bool = False

    disclosure = DISCLOSING

    @staticmethod
    def beginning(
        user: User | None,
        upn: str,  # noqa: ARG004  # the other kind needs it
        refusal: Refusal | None,
        *,
        is_throttled: bool,  # noqa: ARG004
        is_locked: bool,
    ) -> Beginning:
        return Beginning(
            user_id=user.pk if user else None,
            refused=refusal,
            concealed=None,
            is_asked=is_locked,
        )

    @property
    def verify_id(self) -> int:
        return self.user.pk if self.user else 0

    @property
    def is_refused(self) -> bool:
        return self.user is None

    def offered(
        self, options: Sequence[MethodOption], passed: frozenset[Method]
    ) -> list[MethodOption]:
        return available_methods(options, self.policy, passed) if self.policy else []

    def takes_number(self, *, is_right: bool) -> bool:
        return is_right

    def request_once_replaced(self, request: ChallengeRequest) -> ChallengeRequest:  # noqa: ARG002
        raise NumberWanted

    def verdict_once_replaced(self, verdict: Verdict) -> Verdict:  # noqa: ARG002
        return Verdict.EXPIRED

    def whose_passkeys(self) -> int:
        return self.id

    def steps(self, gates: int) -> int:
        return gates + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoy:
    """The subject of every user ID where the organisation conceals which ones it knows.

    Only `user` and what is computed from it differ between user IDs. No page shows them: they
    decide where a code goes and whether an answer can be right.
    """

    id: int
    user: User | None
    policy: Policy

    disclosure = CONCEALING
    is_refused = False
    is_denied = False

    @staticmethod
    def beginning(
        user: User | None,
        upn: str,
        refusal: Refusal | None,
        *,
        is_throttled: bool,
        is_locked: bool,  # noqa: ARG004  # it would tell whose account is locked
    ) -> Beginning:
        return Beginning(
            user_id=user.pk if user else decoy_id(upn),
            refused=_refusal_of_all(is_throttled=is_throttled),
            concealed=refusal,
            is_asked=True,
        )

    @property
    def verify_id(self) -> int:
        return self.user.pk if self.user else 0

    def offered(
        self,
        options: Sequence[MethodOption],  # noqa: ARG002  # what a user holds isn't shown
        passed: frozenset[Method],
    ) -> list[MethodOption]:
        # Administrators pass more gates and answer no questions: that isn't shown, either.
        general = policy_in_force()
        return available_methods(
            [MethodOption(method) for method in all_ways(general.methods)], general, passed
        )

    def takes_number(self, *, is_right: bool) -> bool:  # noqa: ARG002
        return True

    def request_once_replaced(self, request: ChallengeRequest) -> ChallengeRequest:
        return replace(request, destination="")

    def verdict_once_replaced(self, verdict: Verdict) -> Verdict:
        return Verdict.EXPIRED if verdict is Verdict.RIGHT else verdict

    def whose_passkeys(self) -> int:
        return 0

    def steps(self, gates: int) -> int:  # noqa: ARG002
        return 0


def kind_of_subject(policy: Policy) -> type[Known] | type[Decoy]:
    """The kind for attempts that begin under this policy."""
    return Decoy if policy.unknown_users is Unknown.DECOY else Known


def subject_of(
    attempt: ResetAttempt, user: User | None, policy: Policy | None, *, is_denied: bool
) -> Subject:
    """The subject of an attempt that goes on.

    Args:
        user: None where the attempt can't succeed.
        is_denied: a call of this attempt was answered with "this isn't me".
    """
    subject_id = attempt.user_id or 0
    if attempt.conceals:
        # An unknown user ID gets no call, so a page that says "denied" would tell of a user.
        able = None if is_denied else user
        return Decoy(id=subject_id, user=able, policy=policy or policy_in_force())
    return Known(id=subject_id, user=user, policy=policy, is_denied=is_denied)


def decoy_id(upn: str) -> int:
    """What stands for an unknown user ID: a number below zero, always the same for the same text.

    Its tries are counted, and its questions drawn, as those of a user are. A new key of the ring
    changes neither.
    """
    key = tenant_key(current_tenant_id(), "number of nobody")
    return -1 - digits(key, upn, below=_MANY)


def _refusal_of_all(*, is_throttled: bool) -> Refusal | None:
    """Why every user ID would be refused now, which tells nothing about this one."""
    policy = policy_in_force()
    if policy.self_service is Scope.NONE:
        return Refusal.NOT_ENABLED
    if is_throttled and not any(method.is_unguessable for method in policy.methods):
        return Refusal.TOO_MANY
    return None
