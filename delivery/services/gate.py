"""The gate in front of the outbox: it counts every message, and no message leaves uncounted.

A message is counted for its destination, for the person it is about and for the organisation's
day, in this order and all together: what is refused uses up nothing. Codes are counted when they
are asked for, because the page must say so; everything else where a worker is about to send it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from delivery.models import Kind
from delivery.rules.mailboxes import mailbox_key
from isolation.scope import current_tenant_id
from limits.rules import Limit, shares
from limits.services import Count, LimitVerdict, blocked_among, count_of, hit, hit_all, hit_with
from tenants.queries import policy_in_force

_MAILS_PER_TEXT = 10
"""An organisation with a higher cap for texts may also send more mails."""


class Share(StrEnum):
    """Which part of the limits a message uses up; the value is in front of what is counted.

    Messages that need the password or an agent of the helpdesk are counted apart from those that
    anyone can ask for, and notices apart from codes: none of them can use up the others.

    Source: design section 8.
    """

    ANONYMOUS = ""
    KNOWN_BROWSER = "known-browser:"
    """A reset in a browser in which this user signed in before."""
    SIGN_IN = "sign-in:"
    REGISTER = "register:"
    CALLER = "caller:"
    NOTICE = "notice:"
    STAFF = "staff:"
    HELP = "help:"
    """Requests for help with a user ID that the organisation has."""
    HELP_UNKNOWN = "help-unknown:"
    """The same with unknown user IDs, so that invented ones can't use up the others."""


_TO_STAFF = {Share.STAFF, Share.HELP, Share.HELP_UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message, as far as it is counted.

    Args:
        destination: mailbox, or number with `#` and the extension behind it; empty for the code of
            an unknown user, which is counted like others and not sent.
        stand_in: counted instead of an empty destination.
        person: the id that it is counted for; empty where it isn't about one person, or where they
            were counted before.
        notice: the kind of notice. The first of a kind in a day has limits of its own, so that
            other notices can't hold it up; its mail isn't held by the organisation's daily limit.
        vital: its mail isn't held by the organisation's daily limit. The first text of a kind may
            use up codes if the share of notices is used up.
    """

    kind: Kind
    destination: str
    share: Share
    person: str = ""
    stand_in: str = ""
    notice: str = ""
    vital: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """Proof that the gate counted a message of this kind to this destination."""

    kind: Kind
    destination: str


class OverLimit(Exception):
    """A limit was reached; nothing was counted."""

    def __init__(self, until: datetime | None, limit: Limit) -> None:
        super().__init__(limit.name)
        self.until = until
        self.limit = limit


def admit(sending: Sending) -> Permit:
    """Counts a message.

    Raises:
        OverLimit: a limit was reached.
        RuntimeError: inside a transaction, which could undo the count.
    """
    # Also without a destination: the statements must not tell whether there is a phone.
    if sending.kind is Kind.CALL and (until := calls_paused_until(sending.destination)):
        raise OverLimit(until, Limit.DENIED_CALLS_TO_A_PHONE)
    if sending.share is Share.NOTICE and sending.notice:
        return _permit(sending, _count_notice(sending))
    return _permit(sending, hit_all(*_usual_counts(sending)))


def admit_within(sending: Sending) -> Permit:
    """Counts a code or a call in the transaction that puts it in the outbox.

    Raises:
        OverLimit: a limit was reached. The transaction must end without the message.
        RuntimeError: outside a transaction.
    """
    pauses: list[Count] = []
    if sending.kind is Kind.CALL:
        pauses = [Count(Limit.DENIED_CALLS_TO_A_PHONE, key) for key in _phones(sending.destination)]
    return _permit(sending, hit_with(*_usual_counts(sending), unless=pauses))


def pause_calls(destination: str) -> None:
    """Pauses calls to a phone in every organisation: the person who answered denied the request.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    hit(Limit.DENIED_CALLS_TO_A_PHONE, phone_and_extension(destination))


def calls_paused_until(destination: str) -> datetime | None:
    """When this phone may be called again; None if it may be now."""
    paused = blocked_among(Limit.DENIED_CALLS_TO_A_PHONE, _phones(destination))
    return max(paused.values(), default=None)


def phone_and_extension(destination: str) -> str:
    """The key by which calls are paused: each extension is another person's phone.

    A call that was denied at a number without an extension pauses calls to all its extensions.
    """
    return mailbox_key(destination)


def is_day_nearly_used(kind: Kind) -> bool:
    """Whether four fifths of the codes that the organisation may send in a day were sent."""
    is_mail = kind is Kind.EMAIL
    limit = _limit_of_the_day(is_mail=is_mail)
    sent = count_of(limit, f"codes:{current_tenant_id()}")
    return sent > 0 and sent * 5 >= shares(_cap(is_mail=is_mail)).codes * 4


def permit_for_decoy(kind: Kind) -> Permit:
    """For the code of a decoy, which is made as always and not sent."""
    return Permit(kind, "")


def counted_destination(destination: str) -> str:
    """The same for all spellings of a mailbox, and for all extensions of a phone."""
    return mailbox_key(without_extension(destination))


def without_extension(destination: str) -> str:
    """The address as it is stored, or the number."""
    return destination if "@" in destination else destination.partition("#")[0]


def codes_to(destination: str) -> tuple[Limit, ...]:
    """The limits of codes to a mailbox or a phone."""
    if "@" in destination:
        return (Limit.CODES_TO_AN_EMAIL, Limit.CODES_TO_AN_EMAIL_DAILY)
    return (Limit.CODES_TO_A_PHONE, Limit.CODES_TO_A_PHONE_DAILY)


def codes_for(share: Share, person: str) -> list[Count]:
    """The counts of codes for one person."""
    limits = (Limit.CODES_FOR_A_USER, Limit.CODES_FOR_A_USER_DAILY)
    return [Count(limit, f"{share}{person}") for limit in limits]


def _permit(sending: Sending, verdict: LimitVerdict) -> Permit:
    if not verdict.allowed:
        assert verdict.limit is not None
        raise OverLimit(verdict.until, verdict.limit)
    return Permit(sending.kind, sending.destination)


def _phones(destination: str) -> tuple[str, str]:
    """Number and extension: calls to either may be paused."""
    return counted_destination(destination), phone_and_extension(destination)


def _usual_counts(sending: Sending) -> list[Count]:
    return [
        *_destination_counts(sending),
        *_person_counts(sending),
        *_tenant_counts(sending),
    ]


def _count_notice(sending: Sending) -> LimitVerdict:
    """Counts a notice under the first of these sets of limits that has room."""
    first = _first_notice_counts(sending)
    options = [first]
    if sending.kind is not Kind.EMAIL:
        options = [[*first, *_tenant_counts(sending)]]
        if sending.vital:
            options.append([*first, *_vital_counts(sending)])
    for counts in options:
        if (verdict := hit_all(*counts)).allowed:
            return verdict
    return hit_all(*_usual_counts(sending))


def _first_notice_counts(sending: Sending) -> list[Count]:
    where = mailbox_key(sending.destination)
    whose = f"{current_tenant_id()}:{sending.person}:{sending.notice}:{where}"
    is_mail = sending.kind is Kind.EMAIL
    # For all organisations together: the address may be that of any person.
    of_destination = (
        Limit.FIRST_NOTICES_TO_A_MAILBOX_DAILY if is_mail else Limit.FIRST_NOTICES_TO_A_PHONE_DAILY
    )
    return [
        Count(Limit.FIRST_NOTICE_OF_A_KIND, whose),
        Count(of_destination, counted_destination(sending.destination)),
    ]


def _vital_counts(sending: Sending) -> list[Count]:
    """What a vital text uses up if the share of notices is used up."""
    parts, tenant = shares(_cap(is_mail=False)), current_tenant_id()
    return [
        Count(Limit.NOTICES_FOR_A_USER, f"vital:{tenant}:{sending.person}", parts.of_a_person),
        Count(Limit.MESSAGES_OF_A_TENANT, f"vital:{tenant}", parts.vital),
        Count(Limit.MESSAGES_OF_A_TENANT, f"codes:{tenant}", parts.codes),
    ]


def _destination_counts(sending: Sending) -> list[Count]:
    where = counted_destination(sending.destination)
    key = f"{sending.share}{where or f'nobody:{sending.stand_in}'}"
    if sending.share in _TO_STAFF:
        # For each organisation apart: any of them can enter the mailbox of another's helpdesk.
        own = f"{current_tenant_id()}:{key}"
        is_alarm = sending.share is Share.STAFF
        return [Count(Limit.MAILS_TO_STAFF_DAILY if is_alarm else Limit.CONTACTS_OF_A_TENANT, own)]
    # For all organisations together, so that several can't multiply the calls to a phone.
    if sending.share is not Share.NOTICE:
        limits = codes_to("@" if sending.kind is Kind.EMAIL else "")
        return [Count(limit, key) for limit in limits]
    if sending.kind is Kind.EMAIL:
        return [Count(Limit.NOTICES_TO_A_MAILBOX_DAILY, key)]
    return [Count(Limit.NOTICES_TO_A_PHONE, key), Count(Limit.NOTICES_TO_A_PHONE_DAILY, key)]


def _person_counts(sending: Sending) -> list[Count]:
    if not sending.person or sending.share in _TO_STAFF:
        return []
    if sending.share is Share.NOTICE:
        return [Count(Limit.NOTICES_FOR_A_USER, f"{current_tenant_id()}:{sending.person}")]
    return codes_for(sending.share, sending.person)


def _tenant_counts(sending: Sending) -> list[Count]:
    is_mail = sending.kind is Kind.EMAIL
    # Administrators may have many mailboxes; other people can't add any.
    if sending.share in _TO_STAFF or (is_mail and sending.vital):
        return []
    limit = _limit_of_the_day(is_mail=is_mail)
    parts = shares(_cap(is_mail=is_mail))
    # Messages that aren't sent cost nothing, so they have counters of their own.
    whose = f"{'' if sending.destination else 'nobody:'}{current_tenant_id()}"
    if sending.share is Share.NOTICE:
        own = f"{sending.kind}:{whose}:{sending.person}"
        return [
            Count(Limit.NOTICES_FOR_A_USER, own, parts.of_a_person),
            Count(limit, f"notices:{whose}", parts.notices),
        ]
    codes = Count(limit, f"codes:{whose}", parts.codes)
    if sending.share is Share.ANONYMOUS:
        return [Count(limit, f"without password:{whose}", parts.without_password), codes]
    return [codes]


def _limit_of_the_day(*, is_mail: bool) -> Limit:
    return Limit.MAILS_OF_A_TENANT if is_mail else Limit.MESSAGES_OF_A_TENANT


def _cap(*, is_mail: bool) -> int:
    cap = policy_in_force().daily_message_cap
    return max(Limit.MAILS_OF_A_TENANT.value.times, cap * _MAILS_PER_TEXT) if is_mail else cap
