"""What servers answer, in this service's words: result codes and the control of password policies.

Source: RFC 4511 appendix A, draft-behera-ldap-password-policy-10 section 6.2, RFC 3062.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from ldap3.protocol.rfc3062 import PasswdModifyRequestValue
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type.namedtype import NamedType, NamedTypes, OptionalNamedType
from pyasn1.type.tag import Tag, tagClassContext, tagFormatConstructed, tagFormatSimple
from pyasn1.type.univ import Choice, Enumerated, Integer, Sequence

from directory.connectors.base import (
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    PasswordCheck,
    PolicyRejected,
    RejectedFor,
    Unreachable,
)
from directory.connectors.ldap.wire import MUST_CHANGE, BindAnswer, Control, LdapFailure
from directory.rules import DirectoryFailure

PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"
PPOLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
ASK_POLICY: Control = (PPOLICY, False, None)
"""Asks for the reason of a refusal. Not critical: servers without policies ignore it."""
_MOST_SHOWN = 200


class PolicyError(IntEnum):
    """The error in the control of password policies."""

    EXPIRED = 0
    LOCKED = 1
    CHANGE_AFTER_RESET = 2
    MODIFICATION_NOT_ALLOWED = 3
    MUST_SUPPLY_OLD = 4
    QUALITY = 5
    TOO_SHORT = 6
    TOO_YOUNG = 7
    IN_HISTORY = 8


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """Args: grace: sign-ins that are left with a password that has expired."""

    error: PolicyError | None = None
    grace: int | None = None


class Result(IntEnum):
    """Result codes that mean something to a connector."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    REFERRAL = 10
    ADMIN_LIMIT = 11
    CONSTRAINT = 19
    NO_SUCH_OBJECT = 32
    INVALID_CREDENTIALS = 49
    ACCESS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING = 53
    OTHER = 80


_REJECTED = {
    PolicyError.QUALITY: RejectedFor.TOO_SIMPLE,
    PolicyError.TOO_SHORT: RejectedFor.TOO_SHORT,
    PolicyError.TOO_YOUNG: RejectedFor.TOO_YOUNG,
    PolicyError.IN_HISTORY: RejectedFor.USED_BEFORE,
}
_MISCONFIGURED = {
    PolicyError.MUST_SUPPLY_OLD: "pwdSafeModify asks for the old password: 'manage' is needed",
    PolicyError.MODIFICATION_NOT_ALLOWED: "users may not change their own password",
    PolicyError.CHANGE_AFTER_RESET: "the service account must change its own password first",
}
_TOO_SHORT = r"too short|at least \d+ characters"
_BY_TEXT = (
    (r"history|reuse", RejectedFor.USED_BEFORE),
    (r"young|minimum age|too soon", RejectedFor.TOO_YOUNG),
    (_TOO_SHORT, RejectedFor.TOO_SHORT),
    (r"simple|strength|quality|syntax|dictionary|trivial", RejectedFor.TOO_SIMPLE),
)
"""For servers that send no control: 389 DS and FreeIPA name the rule in English."""
_NOT_COMPARED = {
    *(Result.OPERATIONS_ERROR, Result.PROTOCOL_ERROR, Result.ADMIN_LIMIT),
    *(Result.BUSY, Result.UNAVAILABLE, Result.OTHER),
}


def _tagged(kind: Any, number: int, *, around: bool = False) -> Any:
    """With a context-specific tag in place of its own, or around its own."""
    if around:
        return kind.subtype(explicitTag=Tag(tagClassContext, tagFormatConstructed, number))
    return kind.subtype(implicitTag=Tag(tagClassContext, tagFormatSimple, number))


_WARNING = Choice(
    componentType=NamedTypes(
        NamedType("timeBeforeExpiration", _tagged(Integer(), 0)),
        NamedType("graceAuthNsRemaining", _tagged(Integer(), 1)),
    )
)
_POLICY_RESPONSE = Sequence(
    componentType=NamedTypes(
        OptionalNamedType("warning", _tagged(_WARNING, 0, around=True)),
        OptionalNamedType("error", _tagged(Enumerated(), 1)),
    )
)


def policy_answer(controls: Mapping[str, bytes]) -> PolicyAnswer:
    """What the control says; nothing if the server sent none, or one that can't be read."""
    try:
        decoded, _rest = decoder.decode(controls.get(PPOLICY, b""), asn1Spec=_POLICY_RESPONSE)
        error, warning = decoded["error"], decoded["warning"]
        grace = warning["graceAuthNsRemaining"] if warning.hasValue() else None
        return PolicyAnswer(
            error=PolicyError(int(error)) if error.hasValue() else None,
            grace=int(grace) if grace is not None and grace.hasValue() else None,
        )
    except (PyAsn1Error, ValueError):
        return PolicyAnswer()


def password_modify(dn: str, new: str, old: str = "") -> bytes:
    """The value of the extended operation that sets a password. The server hashes it.

    Raises:
        ValueError: an empty password. The server would make one up and return it.
    """
    if not new:
        raise ValueError("empty password")
    request = PasswdModifyRequestValue()
    request["userIdentity"], request["newPasswd"] = dn.encode(), new.encode()
    if old:
        request["oldPasswd"] = old.encode()
    return bytes(encoder.encode(request))


def check_of(answer: BindAnswer, *, compares_first: bool) -> PasswordCheck:
    """What a bind says about the password that was typed.

    Args:
        compares_first: the server compares the password before it looks whether that has expired.
            Others say of a wrong password, too, that it has expired.

    Raises:
        Unreachable: the server didn't compare it.
    """
    policy = policy_answer(answer.controls)
    if answer.code == Result.SUCCESS:
        ended = policy.error in {PolicyError.EXPIRED, PolicyError.CHANGE_AFTER_RESET}
        if ended or policy.grace is not None or MUST_CHANGE in answer.controls:
            return PasswordCheck.MUST_CHANGE
        return PasswordCheck.RIGHT
    if answer.code in _NOT_COMPARED:
        raise Unreachable(DirectoryFailure.BUSY)
    if answer.code == Result.UNWILLING:
        return PasswordCheck.WRONG  # disabled in 389 DS, whatever the password is
    if policy.error is PolicyError.LOCKED or answer.code == Result.CONSTRAINT:
        return PasswordCheck.LOCKED
    has_ended = policy.error is PolicyError.EXPIRED or MUST_CHANGE in answer.controls
    if compares_first and answer.code == Result.INVALID_CREDENTIALS and has_ended:
        return PasswordCheck.MUST_CHANGE
    return PasswordCheck.WRONG


def error_of(failure: LdapFailure, *, until: datetime | None = None) -> DirectoryError:
    """The refusal of a write or a search as an error of the contract.

    Args:
        until: when the minimum age ends, if that is the reason.
    """
    policy = policy_answer(failure.controls).error
    rule = _REJECTED.get(policy) if policy is not None else None
    if rule is None and policy is None and failure.code in {Result.CONSTRAINT, Result.UNWILLING}:
        matches = (each for text, each in _BY_TEXT if re.search(text, failure.text.lower()))
        rule = next(matches, None)
    if rule is RejectedFor.TOO_SIMPLE and re.search(_TOO_SHORT, failure.text.lower()):
        rule = RejectedFor.TOO_SHORT  # 389 DS has a single error for both
    if rule is not None or (policy is None and failure.code == Result.CONSTRAINT):
        return PolicyRejected(
            failure.text.strip()[:_MOST_SHOWN],
            rule=rule or RejectedFor.UNKNOWN,
            until=until if rule is RejectedFor.TOO_YOUNG else None,
        )
    if failure.code == Result.NO_SUCH_OBJECT:
        return NotInDirectory()
    if failure.code in _NOT_COMPARED - {Result.PROTOCOL_ERROR}:
        return Unreachable(DirectoryFailure.BUSY)
    reason = _MISCONFIGURED.get(policy, "") if policy is not None else ""
    if failure.code == Result.REFERRAL:
        reason = "this server is a read-only replica"
    return NotPermitted(f"{reason} (LDAP result {failure.code} {failure.text})".strip())


@contextmanager
def translated(*, until: datetime | None = None) -> Iterator[None]:
    """Raises refusals of the server as errors of the contract."""
    try:
        yield
    except LdapFailure as failure:
        raise error_of(failure, until=until) from None


def instant_of(text: str) -> datetime | None:
    """A generalized time; None for none, and for one that isn't a time, as `000001010000Z`.

    >>> instant_of("20261130181000.25Z")
    datetime.datetime(2026, 11, 30, 18, 10, tzinfo=datetime.timezone.utc)
    >>> instant_of("202611301810+0900")
    datetime.datetime(2026, 11, 30, 9, 10, tzinfo=datetime.timezone.utc)
    """
    match = re.fullmatch(r"(\d{12})(\d\d)?(?:[.,]\d+)?(?:Z|([+-]\d\d)(\d\d)?)", text, re.ASCII)
    if match is None:
        return None
    minutes, seconds, hours, more = match.groups()
    try:
        local = datetime.strptime(minutes + (seconds or "00"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        offset = int(hours or 0) * 60 + int((hours or "+")[0] + (more or "0"))
        return local - timedelta(minutes=offset)
    except (ValueError, OverflowError):
        return None
