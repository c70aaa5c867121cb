"""What the module of each method declares; see `verification.methods`."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.forms import Form
from django.utils.functional import Promise

from directory.models import User
from tenants.policy import Factor, Method
from verification.models import Challenge, Purpose
from verification.rules.passkeys import Site
from verification.services.challenges import ChallengeRequest, ChallengeResult
from verification.services.guesses import AttemptCounter


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeAnswer:
    """The answer of a user to a challenge.

    Args:
        text: a code as typed, or what a browser says that a passkey signed.
        answers: question id → answer as typed.
        site: where the page is.
        is_right: judged before the transaction, because that takes long; see `Verifier.judge`.
    """

    text: str = field(default="", repr=False)
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    site: Site | None = None
    is_right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationContext:
    """The purpose of a verification, and the data that answers are compared with.

    Args:
        id: of the reset attempt, the session or the caller check that challenges are bound to.
        user_id: what challenges and guesses are counted by; below zero for an unknown user ID.
        verify_id: user id to verify against; 0 when no answer can be right.
        counter: what wrong guesses are counted by; None where only the tries of a challenge are.
        challenges: of this id and purpose, newest first.
        devices: the devices that count; None where all of the user's do.
        shows_passkeys_of: user id whose passkeys the page names to the browser; 0 for none.
        has_answers: whether the user's own questions are asked; others are made up.
    """

    purpose: Purpose
    id: uuid.UUID
    user_id: int
    verify_id: int
    counter: AttemptCounter | None
    challenges: Sequence[Challenge]
    devices: frozenset[uuid.UUID] | None = None
    shows_passkeys_of: int = 0
    has_answers: bool = True


FormOf = Callable[[Mapping[str, Any] | None, VerificationContext], Form]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """How the answer to a challenge is entered and checked.

    Args:
        page: last part of the name and the address of its page.
        heading: of the page; empty where a template of its own says it.
        template: of the page.
        reads_methods: whether the page depends on what the user registered.
        form: the form of the page.
        answer: gives the answer that was entered into the form.
        check: redeems the challenge; called in the transaction that records the result.
        judge: the part of the check that hashes. It's slow on purpose, and is called before the
            transaction. None where there is none.
        error_words: the words about a wrong answer.
        error_field: the field that they stand at; None for the whole form.
        is_counted: whether answers are guesses, which are counted and throttled.
        watches_call: whether the page shows what the phone is doing.
        says_when_over: whether the page itself says that its code is dead, as long as it is.
        passed_words: gives the words after a right answer, by the user's id; None for no words.
        shown: what the page shows beside the form.
    """

    page: str
    heading: Promise | str = ""
    template: str = "verification/answer.html"
    reads_methods: bool = False
    form: FormOf
    answer: Callable[[Form, Site], ChallengeAnswer]
    check: Callable[[VerificationContext, Method, ChallengeAnswer], ChallengeResult]
    judge: Callable[[int, ChallengeAnswer], bool] | None = None
    error_words: Callable[[ChallengeResult], str]
    error_field: str | None = "code"
    is_counted: bool = True
    watches_call: bool = False
    says_when_over: bool = False
    passed_words: Callable[[int], str] | None = None
    shown: Callable[[VerificationContext, Challenge, Site], dict[str, object]] | None = None


class TooManyDevices(Exception):
    """The user has the highest allowed number of devices of this kind.

    Args:
        most: this number.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """How a device is registered by a code that it shows.

    Args:
        template: of the page.
        heading: of the page.
        submit: words of its button; "Verify" where empty.
        form: with the field `code`.
        shown: what the page shows beside the form to this user in this session; raises
            `TooManyDevices`.
        activate: the id of the method that is registered now; None where the code is wrong. It gets
            the user, the session and the cleaned data of the form.
        wrong_words: the words about a wrong code.
        is_possible: whether the user has something to register, by the user's id.
    """

    template: str = "registration/device.html"
    heading: Promise
    submit: Promise | str = ""
    form: Callable[[Mapping[str, Any] | None], Form]
    shown: Callable[[User, uuid.UUID], dict[str, object]]
    activate: Callable[[User, uuid.UUID, Mapping[str, Any]], uuid.UUID | None]
    wrong_words: Promise
    is_possible: Callable[[int], bool] = lambda _user_id: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a factor is registered.

    Args:
        page: name of the page on which users register it.
        further_pages: names of other pages that are open when this one is.
        registered_words: words afterwards. `%(masked)s` stands for the number or address, `%(n)s`
            for how many questions the policy has users answer.
        by_code: where it is a device that shows codes.
    """

    page: str
    further_pages: tuple[str, ...] = ()
    registered_words: str
    by_code: DeviceCode | None = None

    def is_possible(self, user_id: int) -> bool:
        """Whether the user has something to register."""
        return self.by_code is None or self.by_code.is_possible(user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodModule:
    """How one kind of method works.

    Args:
        options: its methods, and each as a line to choose; `{masked}` stands for the destination.
        begin: sends a code, places a call or draws questions. It gets the challenges of the attempt
            or session, newest first.
        verifier: how it is answered; see `verifier_of` for calls.
        registrations: the factors that are registered with it, and how.
        send_words: the choice to have a code or call sent to what is being registered.
        send_entered_words: the same where an administrator entered it, if it differs.
        is_preselected: choosing it sends nothing and costs nothing.
        is_device: asking for it sends no message, so sign-in begins with it.
        opens_the_admin: signing in with it passes the admin's step-up, too.
        ended_by_restore: which methods end when a backup is restored, because what was used or
            begun after the backup would count again, by the name in the report.
    """

    options: Mapping[Method, str]
    begin: Callable[[ChallengeRequest, Sequence[Challenge] | None], Challenge]
    verifier: Verifier
    registrations: Mapping[Factor, Registration]
    send_words: str = ""
    send_entered_words: Mapping[Method, str] = field(default_factory=dict)
    is_preselected: bool = False
    is_device: bool = False
    opens_the_admin: bool = False
    ended_by_restore: Mapping[str, Q] = field(default_factory=dict)


def code_in(form: Form, _site: Site) -> ChallengeAnswer:
    """The code that was typed."""
    return ChallengeAnswer(text=form.cleaned_data["code"])
