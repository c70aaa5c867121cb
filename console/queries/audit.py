"""The audit log as the admin lists it: newest first, a page at a time, never counted."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event, Head, Link
from console.queries import first_page
from console.rules import support_code
from directory.models import User
from directory.queries import operators
from directory.rules import canonical_upn
from tenants.policy import Method
from typed.rules import folded

MOST_PEOPLE = 100
"""A search by a part of a name lists the records of so many people at most."""
_EXPORTED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which records to list. Empty fields narrow nothing."""

    search: str = ""
    """A support code, or a user ID or a part of a name, of the actor or of the subject."""
    by: str = ""
    """A user ID or a part of a name of the actor."""
    other_actors: frozenset[int] = frozenset()
    """Actors that aren't users and whose names `by` is a part of; see `audit.services.Actor`."""
    activity: Activity | None = None
    outcome: Outcome | None = None
    method: Method | None = None
    setting: str = ""
    """Name of a setting of the policy that was changed."""
    since: date | None = None
    until: date | None = None
    """The last day, included. Days are those of the time zone in force."""
    before: int | None = None
    """Id of the last record of the page before. If there is no such record, nothing is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """How far the chain of the organisation goes, and whether it was verified.

    Args:
        number: of its last record.
        sealed_until: when that happened.
        first_kept_at: when the first record happened that wasn't deleted.
        findings: of the last verification.
    """

    number: int
    sealed_until: datetime | None
    first_kept_at: datetime | None
    verified_at: datetime | None
    findings: int


def records(sought: Sought) -> tuple[list[Event], int | None]:
    """One page, and the number that the next one begins after; None at the end."""
    before = None
    if sought.before is not None:
        before = Event.objects.filter(pk=sought.before).first()
        if before is None:
            return [], None
    events, last = first_page(_matching(sought, before))
    return events, last.pk if last else None


def is_cut(sought: Sought) -> bool:
    """Whether more people than `MOST_PEOPLE` have the name, so that records are left out."""
    return any(
        User.objects.filter(_is_called(typed)).order_by("upn")[MOST_PEOPLE:].exists()
        for typed in (sought.search, sought.by)
        if typed
    )


def chain_state() -> ChainState:
    head = Head.objects.first() or Head()
    links = Link.objects.filter(number__gt=head.deleted_number).order_by("number")
    ends = {
        number: Event.objects.filter(pk=event_id).values_list("at", flat=True).first()
        for number, event_id in [
            *links.values_list("number", "event_id")[:1],
            *links.filter(number=head.number).values_list("number", "event_id"),
        ]
    }
    return ChainState(
        number=head.number,
        sealed_until=ends.get(head.number),
        first_kept_at=ends[min(ends)] if ends else None,
        verified_at=head.verified_at,
        findings=head.verified_findings,
    )


def portion(sought: Sought, before: Event | None) -> list[Event]:
    """The first of all records that match, for a file; or those that follow this record.

    It may have been deleted since.
    """
    return list(_matching(sought, before)[:_EXPORTED_AT_ONCE])


def _matching(sought: Sought, before: Event | None) -> QuerySet[Event]:
    rows = Event.objects.order_by("-at", "-id")
    if sought.search:
        people = _people_called(sought.search)
        matches = Q(subject_id__in=people) | Q(actor_id__in=people)
        if code := support_code(sought.search):
            matches |= Q(support_code=code)
        rows = rows.filter(matches)
    if sought.by:
        actors = {*_people_called(sought.by), *sought.other_actors}
        # Events of actors who hadn't proved who they are have no actor.
        anonymous = Q(actor_id=None) if 0 in actors else Q()
        rows = rows.filter(Q(actor_id__in=actors) | anonymous)
    if sought.method is not None:
        rows = rows.filter(concerns__in=_with_this_method(sought.method))
    if sought.setting:
        rows = rows.filter(concerns=sought.setting, activity=Activity.POLICY_CHANGED)
    equal = {
        "activity": sought.activity,
        "outcome": sought.outcome,
        "at__gte": _midnight(sought.since),
        "at__lt": _midnight(sought.until and sought.until + timedelta(days=1)),
    }
    rows = rows.filter(**{name: value for name, value in equal.items() if value is not None})
    if before is not None:
        # The last condition adds nothing but a place where the index can begin.
        rows = rows.filter(Q(at__lt=before.at) | Q(pk__lt=before.pk), at__lte=before.at)
    return rows


def _with_this_method(method: Method) -> list[str]:
    """What events about a method may say: itself, what it proves control of, or two methods."""
    pairs = [f"{one},{other}" for one in Method for other in Method if method in {one, other}]
    return [method.value, method.factor.value, *pairs]


def _people_called(typed: str) -> list[int]:
    """Users and operators whose user ID begins so, or whose name has it as a part."""
    both = (User.objects.filter(_is_called(typed)), operators().filter(_is_called(typed)))
    return [
        pk
        for users in both
        for pk in users.order_by("upn").values_list("pk", flat=True)[:MOST_PEOPLE]
    ]


def _is_called(typed: str) -> Q:
    return Q(upn__startswith=canonical_upn(typed)) | Q(folded_name__contains=folded(typed))


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None
