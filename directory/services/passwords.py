"""Checks new passwords, for resets, changes, the hints below their forms and the admin's tester."""

import re
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings

from directory.connectors import connector_of
from directory.models import User
from limits import services as limits
from limits.rules import Limit
from limits.services import Count
from passwords.banned import Score
from passwords.breached import breached_passwords
from passwords.rules import MAX_LENGTH, PasswordFinding, Problem, evaluate, explain
from tenants.queries import policy_in_force, tenant_in_force

_PARTED = re.compile(r"[._+-]+|\d+")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The findings against a password, and its score."""

    findings: list[PasswordFinding]
    worth: Score


class TooManyPasswords(Exception):
    """New passwords of this user were compared with former ones too often lately."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("too many passwords")
        self.until = until


def findings_against(password: str, user: User | None) -> list[PasswordFinding]:
    """What the policy in force, the banned words and the list of breached passwords say against it.

    Former passwords aren't compared, because only a verified user may learn about them.

    Args:
        user: the password must not contain their names. None in the tester.
    """
    policy = policy_in_force()
    findings = evaluate(
        password,
        min_length=policy.password_min_length,
        classes=policy.password_classes,
        names=names_around(user),
        banned=policy.banned_words,
    )
    if _is_breached(password):
        findings.append(PasswordFinding(Problem.BREACHED))
    return findings


def judged(password: str, user: User | None) -> Judgement:
    """The same with the password's score, for pages that show how strong it is."""
    names, banned = names_around(user), policy_in_force().banned_words
    worth = explain(password[:MAX_LENGTH], names=names, banned=banned)
    return Judgement(findings_against(password, user), worth)


def names_around(user: User | None) -> list[str]:
    """Names of the organisation and of the user, and their parts."""
    tenant = tenant_in_force()
    names = [tenant.slug, tenant.short_name, tenant.name, *tenant.name.split()]
    if user is not None:
        local = user.upn.partition("@")[0]
        names += [local, *_PARTED.split(local), user.given_name, user.surname]
        names += user.display_name.split()
    return [name for name in dict.fromkeys(names) if name]


def comparison(user: User) -> Count:
    """The counter of comparisons with former passwords, which cost slow hashes."""
    return Count(Limit.COMPARED_WITH_FORMER_PASSWORDS, str(user.pk))


def was_used(user: User, password: str) -> bool:
    """Whether the password is a former one that may not be used again yet. Counts the comparison.

    Raises:
        TooManyPasswords: nothing was compared.
        RuntimeError: inside a transaction, which could undo the count.
    """
    verdict = limits.hit_all(comparison(user))
    if not verdict.allowed:
        raise TooManyPasswords(verdict.until)
    return connector_of(user).was_used(user, password)


def _is_breached(password: str) -> bool:
    """False if the list can't be read, which is logged. The other rules still hold."""
    if not settings.BREACHED_PASSWORDS:
        return False
    try:
        return password in breached_passwords(settings.BREACHED_PASSWORDS)
    except (OSError, ValueError):
        log.exception("breached_passwords_unreadable")
        return False
