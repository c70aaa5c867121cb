"""What a signed-in user has to do before they reach the page that they asked for.

`STAGES` is the only list of it. Which pages stay open meanwhile, the pages say themselves: see
`verification.marks.open_during`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse
from django.utils import timezone

from directory.models import User
from directory.queries import password_due
from registration.queries import interrupt_of, is_held_up
from registration.rules import Interrupt
from verification.marks import Stage
from verification.session import Session


@dataclass(frozen=True)
class Visit:
    """A signed-in user in one session. What several stages ask is read once."""

    session: Session
    user: User

    @cached_property
    def interrupt(self) -> Interrupt:
        if self.user.tenant_id is None:
            return Interrupt.NONE
        return interrupt_of(self.user, timezone.now())

    @property
    def must_change_password(self) -> bool:
        # A session that a pass opened didn't use the password and may not change it.
        return not self.session.access_pass and password_due(self.user) is not None

    @property
    def lacks_second_factor(self) -> bool:
        return self.session.second_factor_due

    @property
    def must_register_now(self) -> bool:
        return self.user.tenant_id is not None and is_held_up(self.user, timezone.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInStage:
    """One thing that may be due.

    Args:
        page: name of the address where it is done.
        is_due: whether sign-in, and the page of the stage before, lead to `page`.
        is_enforced: whether every page leads there that isn't open during the stage.
    """

    stage: Stage
    page: str
    is_due: Callable[[Visit], bool]
    is_enforced: Callable[[Visit], bool]


STAGES = (
    SignInStage(
        stage=Stage.TEMPORARY_PASSWORD,
        page="account:change-password",
        is_due=lambda visit: visit.must_change_password,
        is_enforced=lambda visit: visit.must_change_password,
    ),
    SignInStage(
        stage=Stage.SECOND_FACTOR,
        page="registration:setup",
        is_due=lambda visit: visit.lacks_second_factor,
        is_enforced=lambda visit: visit.lacks_second_factor,
    ),
    SignInStage(
        stage=Stage.REGISTER,
        page="registration:setup",
        # `STUCK`: the page says so, and the user goes on. It can be put off for some days.
        is_due=lambda visit: visit.interrupt in {Interrupt.REGISTER, Interrupt.STUCK},
        is_enforced=lambda visit: visit.must_register_now,
    ),
    SignInStage(
        stage=Stage.RECONFIRM,
        page="registration:reconfirm",
        is_due=lambda visit: visit.interrupt is Interrupt.RECONFIRM,
        is_enforced=lambda _visit: False,
    ),
)


def enforced_stages(visit: Visit) -> list[SignInStage]:
    """The stages that the user can't leave: those that have the page of the first."""
    enforced = [one for one in STAGES if one.is_enforced(visit)]
    return [one for one in enforced if one.page == enforced[0].page]


def next_url(visit: Visit) -> str:
    """The page of the first stage that is due; after the last, the one that the user asked for."""
    page = next((one.page for one in STAGES if one.is_due(visit)), None)
    return reverse(page) if page else requested_url(visit.session)


def requested_url(session: Session) -> str:
    """The page that the user asked for at sign-in and hasn't seen; otherwise their security info.

    Source: Microsoft Entra, "Require users to register when signing in".
    """
    return session.next_url or reverse("registration:security-info")
