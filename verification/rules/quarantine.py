"""What was registered just now doesn't reset a password yet, where anything older could. Pure.

Whoever gets into an account registers a phone of their own and waits. The old addresses are told,
and have these hours to say "this wasn't me". The same hours hold for what an administrator enters
of a user who has verified something: one administrator's session, or one file, is no way in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.policy import Method, Policy, Questions
from verification.rules.ways import Held, methods_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What is new, and what isn't any more.

    Args:
        lost_at: when the user last removed or replaced something that wasn't new: nobody gets rid
            of the hours by getting rid of what is older.
    """

    hours: int
    now: datetime
    lost_at: datetime | None = None

    @property
    def border(self) -> datetime:
        """What was known by then isn't new."""
        return self.now - timedelta(hours=self.hours)

    def is_new(self, thing: Held) -> bool:
        """Entered data is new only where the user had verified something before."""
        return (thing.verified or thing.held) and not self.is_settled(thing)

    def is_settled(self, thing: Held) -> bool:
        return thing.since is None or thing.since <= self.border

    def counts_from(self, thing: Held) -> datetime:
        return (thing.since or self.now) + timedelta(hours=self.hours)

    @property
    def lost_something(self) -> bool:
        return self.lost_at is not None and self.lost_at > self.border


def counting(held: Sequence[Held], usable: frozenset[Method], clock: Clock) -> list[Held]:
    """What counts at a reset: all of it, or all but the new, if there is or was anything older.

    What was entered beside something verified waits whatever else there is.

    Args:
        usable: by what a reset can begin, see `beginning`.
    """
    if counts_at_once(held, usable, clock):
        return [thing for thing in held if not (thing.held and clock.is_new(thing))]
    return [thing for thing in held if not clock.is_new(thing)]


def counts_at_once(held: Sequence[Held], usable: frozenset[Method], clock: Clock) -> bool:
    """Whether there is and was nothing older to begin a reset with, so that what is new counts."""
    older = [thing for thing in held if clock.is_settled(thing)]
    return not clock.lost_something and not is_usable(older, usable)


def is_usable(held: Sequence[Held], usable: frozenset[Method]) -> bool:
    return any(method in usable for method in methods_of(held))


def beginning(policy: Policy, deliverable: frozenset[Method]) -> frozenset[Method]:
    """The methods that a reset can begin with: questions only where they are like any other."""
    methods = policy.methods & deliverable
    return methods - {Method.QUESTIONS} if policy.questions is Questions.SECOND else methods
