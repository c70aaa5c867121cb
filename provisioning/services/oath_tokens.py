"""Hardware OATH tokens from a file: the whole file is taken, or nothing of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from audit.activities import Activity
from audit.services import EventSubject, record_each
from directory.models import User
from directory.rules import canonical_upn
from isolation.scope import current_tenant_id
from provisioning.rules.oath_tokens import TokenFlaw, TokenProblem, TokenRow, read_tokens
from tenants.policy import Factor
from verification.services import contacts, oath_tokens
from verification.services.notice_words import Notice
from verification.services.oath_tokens import NewToken

LARGEST_FILE = 1024 * 1024
"""Bytes. It is held in memory, because it is full of secrets."""


@dataclass(frozen=True, slots=True)
class TokenReport:
    """What became of a file: all of its tokens were assigned, or something is wrong with it."""

    assigned: int = 0
    flaws: Sequence[TokenFlaw] = ()


@sensitive_variables()
@transaction.atomic
def assign_tokens(text: str, *, actor_id: int) -> TokenReport:
    """Assigns the tokens of a file to the users that it names.

    Args:
        text: the file.
        actor_id: the administrator.
    """
    rows, flaws = read_tokens(text)
    users = _locked_users(rows)
    ids = {user.upn: user.pk for user in users}
    flaws += _flaws(rows, ids)
    if flaws:
        return TokenReport(flaws=sorted(flaws, key=lambda flaw: flaw.line))
    try:
        oath_tokens.assign(
            NewToken(
                user_id=ids[canonical_upn(row.upn)],
                serial=row.serial,
                seed=row.seed,
                interval=row.interval,
                manufacturer=row.manufacturer,
                model=row.model,
            )
            for row in rows
        )
    except oath_tokens.SerialTaken:
        taken = [TokenFlaw(1, TokenProblem.SERIAL_TAKEN, row.serial) for row in rows[:1]]
        return TokenReport(flaws=_flaws(rows, ids) or taken)
    record_each(
        Activity.TOKEN_ASSIGNED,
        [EventSubject(ids[canonical_upn(row.upn)], {"serial": row.serial}) for row in rows],
        actor_id=actor_id,
    )
    contacts.notify_later(users, Notice.TOKEN_ASSIGNED, [Factor.OATH_TOKEN], actor_id=actor_id)
    return TokenReport(assigned=len(rows))


def _locked_users(rows: Sequence[TokenRow]) -> list[User]:
    """The users of the organisation that the rows name.

    They stay locked, so that two files at once don't give a user more tokens than `MOST`.
    """
    upns = {canonical_upn(row.upn) for row in rows}
    named = User.objects.filter(tenant_id=current_tenant_id(), upn__in=upns)
    return list(named.select_for_update(no_key=True).order_by("pk"))


def _flaws(rows: Sequence[TokenRow], ids: dict[str, int]) -> list[TokenFlaw]:
    taken = oath_tokens.serials_in_use([row.serial for row in rows])
    counts = Counter(oath_tokens.counts_of(list(ids.values())))
    flaws: list[TokenFlaw] = []
    for row in rows:
        user_id = ids.get(canonical_upn(row.upn))
        if user_id is None:
            flaws.append(TokenFlaw(row.line, TokenProblem.UNKNOWN_USER, row.upn))
            continue
        counts[user_id] += 1
        if row.serial in taken:
            flaws.append(TokenFlaw(row.line, TokenProblem.SERIAL_TAKEN, row.serial))
        elif counts[user_id] > oath_tokens.MOST:
            flaws.append(TokenFlaw(row.line, TokenProblem.TOO_MANY_TOKENS, row.upn))
    return flaws
