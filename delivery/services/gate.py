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
"""An organisation that may send more texts than most may send more mails, too."""


class Share(StrEnum):
    """Which part of the limits a message uses up; the value is in front of what is counted.

    What takes the password, or an agent of the helpdesk, is counted apart from what any stranger
    can ask for, and notices apart from codes: none of them can use up the others.

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
    """Of unknown user IDs, counted apart: invented ones must not hide the others."""


_TO_STAFF = {Share.STAFF, Share.HELP, Share.HELP_UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message, as far as it is counted.

    Args:
        destination: mailbox, or number with `#` and the extension behind it; empty for the code of
            an unknown user, which is counted like others and sent to no one.
        stand_in: what is counted instead of the destination where that is empty.
        person: the id that it is counted for; empty where it isn't about one person, or where they
            were counted before.
        notice: which kind of notice it is. The first of a kind in a day doesn't count as one of
            many, so that no flood of others hides it; its mail doesn't wait for room in the
            organisation's day.
        vital: the organisation's day doesn't hold up its mail. The first text of a kind may use up
            codes where the notices' part of the day is full.
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
    """The gate counted a message of this kind to this destination. Only the gate gives it out."""

    kind: Kind
    destination: str


class OverLimit(Exception):
    """Nothing may be sent there now, and nothing was counted."""

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
    return _permit(sending, _counted(sending))


def admit_within(sending: Sending) -> Permit:
    """Counts a code or a call in the transaction that puts it in the outbox.

    Raises:
        OverLimit: a limit was reached. The transaction must end without the message.
        RuntimeError: outside a transaction.
    """
    pauses: list[Count] = []
    if sending.kind is Kind.CALL:
        pauses = [Count(Limit.DENIED_CALLS_TO_A_PHONE, key) for key in _phones(sending.destination)]
    return _permit(sending, hit_with(*_usual(sending), unless=pauses))


def pause_calls(destination: str) -> None:
    """Pauses calls to a phone in every organisation: the person who answered denied the request.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    hit(Limit.DENIED_CALLS_TO_A_PHONE, phone_and_extension(destination))


def calls_paused_until(destination: str) -> datetime | None:
    """From when this phone may be called again; None where it may be now."""
    paused = blocked_among(Limit.DENIED_CALLS_TO_A_PHONE, _phones(destination))
    return max(paused.values(), default=None)


def phone_and_extension(destination: str) -> str:
    """Whose calls pause: behind one switchboard, each extension is another person's phone.

    A number that was denied without an extension pauses for every extension.
    """
    return mailbox_key(destination)


def is_day_nearly_used(kind: Kind) -> bool:
    """Whether four fifths of the codes that the organisation may send in a day were sent."""
    is_mail = kind is Kind.EMAIL
    limit = _limit_of_the_day(is_mail=is_mail)
    sent = count_of(limit, f"codes:{current_tenant_id()}")
    return sent > 0 and sent * 5 >= shares(_cap(is_mail=is_mail)).codes * 4


def sent_to_no_one(kind: Kind) -> Permit:
    """For a code that is made as always, and that no one gets."""
    return Permit(kind, "")


def place_of(destination: str) -> str:
    """What is counted of a destination: a mailbox in any spelling, a phone with any extension."""
    return mailbox_key(without_extension(destination))


def without_extension(destination: str) -> str:
    """Where a message goes: the address as it is stored, or the number."""
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
    """The switchboard and the extension: calls to either may be paused."""
    return place_of(destination), phone_and_extension(destination)


def _counted(sending: Sending) -> LimitVerdict:
    # Asked for no destination, too: the statements must not tell whether there is a phone.
    if sending.kind is Kind.CALL and (until := calls_paused_until(sending.destination)):
        return LimitVerdict(allowed=False, until=until, limit=Limit.DENIED_CALLS_TO_A_PHONE)
    if sending.share is Share.NOTICE and sending.notice:
        return _counted_as_a_notice(sending)
    return hit_all(*_usual(sending))


def _usual(sending: Sending) -> list[Count]:
    return [
        *_of_the_destination(sending),
        *_of_the_person(sending),
        *_of_the_organisation(sending),
    ]


def _counted_as_a_notice(sending: Sending) -> LimitVerdict:
    """By the first of the ways in which there is room."""
    first = _first_of_its_kind(sending)
    ways = [first]
    if sending.kind is not Kind.EMAIL:
        ways = [[*first, *_of_the_organisation(sending)]]
        if sending.vital:
            ways.append([*first, *_of_the_codes(sending)])
    for way in ways:
        if (verdict := hit_all(*way)).allowed:
            return verdict
    return hit_all(*_usual(sending))


def _first_of_its_kind(sending: Sending) -> list[Count]:
    where = mailbox_key(sending.destination)
    whose = f"{current_tenant_id()}:{sending.person}:{sending.notice}:{where}"
    is_mail = sending.kind is Kind.EMAIL
    # Over all organisations: many people may have the same address, and it may be anyone's.
    to_one_place = (
        Limit.FIRST_NOTICES_TO_A_MAILBOX_DAILY if is_mail else Limit.FIRST_NOTICES_TO_A_PHONE_DAILY
    )
    return [
        Count(Limit.FIRST_NOTICE_OF_A_KIND, whose),
        Count(to_one_place, place_of(sending.destination)),
    ]


def _of_the_codes(sending: Sending) -> list[Count]:
    """What a vital text uses up where the notices' part of the day is full."""
    parts, tenant = shares(_cap(is_mail=False)), current_tenant_id()
    return [
        Count(Limit.NOTICES_FOR_A_USER, f"vital:{tenant}:{sending.person}", parts.of_a_person),
        Count(Limit.MESSAGES_OF_A_TENANT, f"vital:{tenant}", parts.vital),
        Count(Limit.MESSAGES_OF_A_TENANT, f"codes:{tenant}", parts.codes),
    ]


def _of_the_destination(sending: Sending) -> list[Count]:
    where = place_of(sending.destination)
    key = f"{sending.share}{where or f'nobody:{sending.stand_in}'}"
    if sending.share in _TO_STAFF:
        # By organisation: any of them may write down the mailbox of another's helpdesk.
        own = f"{current_tenant_id()}:{key}"
        is_alarm = sending.share is Share.STAFF
        return [Count(Limit.MAILS_TO_STAFF_DAILY if is_alarm else Limit.CONTACTS_OF_A_TENANT, own)]
    # Over all organisations: who owns several must not ring one phone several times as often.
    if sending.share is not Share.NOTICE:
        limits = codes_to("@" if sending.kind is Kind.EMAIL else "")
        return [Count(limit, key) for limit in limits]
    if sending.kind is Kind.EMAIL:
        return [Count(Limit.NOTICES_TO_A_MAILBOX_DAILY, key)]
    return [Count(Limit.NOTICES_TO_A_PHONE, key), Count(Limit.NOTICES_TO_A_PHONE_DAILY, key)]


def _of_the_person(sending: Sending) -> list[Count]:
    if not sending.person or sending.share in _TO_STAFF:
        return []
    if sending.share is Share.NOTICE:
        return [Count(Limit.NOTICES_FOR_A_USER, f"{current_tenant_id()}:{sending.person}")]
    return codes_for(sending.share, sending.person)


def _of_the_organisation(sending: Sending) -> list[Count]:
    is_mail = sending.kind is Kind.EMAIL
    # Administrators have as many mailboxes as they like, but strangers can't add any.
    if sending.share in _TO_STAFF or (is_mail and sending.vital):
        return []
    limit = _limit_of_the_day(is_mail=is_mail)
    parts = shares(_cap(is_mail=is_mail))
    # What is sent to no one costs nothing, and uses up nothing that others need.
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
