"""Writes `docs/methods.md`: what reset and sign-in ask for, by policy and by what is registered.

Nothing in it is typed by hand: every cell is what the portal's own rules answer.

    python -m tests.house.methods_table
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from registration.rules import Access, access
from reset.rules import are_enough, available_methods, gates_missing
from tenants.policy import (
    Factor,
    Method,
    Policy,
    Questions,
    Scope,
    SecondFactor,
    for_administrators,
)
from tests.services.environment import BASE
from verification.rules.method_options import MethodOption, UserFactor, methods_of

PAGE = BASE / "docs/methods.md"
NEVER = "–"
NAMES = {
    Method.PASSKEY: "passkey",
    Method.AUTHENTICATOR: "app",
    Method.OATH_TOKEN: "hardware token",
    Method.EMAIL: "email",
    Method.MOBILE_TEXT: "text",
    Method.MOBILE_CALL: "call",
    Method.ALTERNATE_TEXT: "alternate text",
    Method.ALTERNATE_CALL: "alternate call",
    Method.OFFICE_CALL: "office call",
    Method.QUESTIONS: "questions",
    Method.RECOVERY_CODE: "recovery code",
}
KINDS = {
    Factor.PASSKEY: "passkey",
    Factor.AUTHENTICATOR: "authenticator app",
    Factor.OATH_TOKEN: "hardware token",
    Factor.EMAIL: "email",
    Factor.MOBILE_PHONE: "mobile phone",
    Factor.ALTERNATE_PHONE: "alternate phone",
    Factor.OFFICE_PHONE: "office phone",
    Factor.QUESTIONS: "security questions",
    Factor.RECOVERY_CODE: "recovery codes",
}
_INTRODUCTION = """\
# What a reset and a sign-in ask for

Written by `python -m tests.house.methods_table` from the rules of the code; a test fails when
this page says something else. Don't edit it.

Read a cell from left to right: “email → text or call” is a code by email first, and then a text
or a call, as the person likes. Where the first proof is a matter of choice, every choice has a
line of its own. “–” means that no reset is possible: the portal says so before it sends anything.
One phone is one proof, whether it's texted or called, and so are a mobile and an alternate phone:
a thief of one may well have both, and the policy has one word for them. An
alternate phone is only added beside a mobile phone; it stands alone here for who removed that one
since. Administrators always need two different proofs, and never answer questions. Recovery codes
are only made by people who have verified something else; they stand alone here for who has
something else that the policy no longer allows. The tables suppose that the installation can send
texts and place calls; what it can't deliver counts as not allowed. Who has registered more
than two kinds can use any of them.
"""
_SIGN_IN = """\
## After the right password at sign-in

Methods allowed for reset as delivered, and the authenticator app for sign-in only. “in” means that
the password is all that is asked for. A remembered browser isn't asked. Answers to security
questions are no second factor. Who must register one first sees the pages for that and no others.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """A policy worth a table of its own."""

    title: str
    policy: Policy


def profiles() -> list[Profile]:
    """As delivered, and with everything allowed; one gate and two."""
    everything = frozenset(method.allowed_as for method in Method) - {Method.QUESTIONS}
    found = []
    for gates in (1, 2):
        named = "1 gate" if gates == 1 else f"{gates} gates"
        as_delivered = Policy(self_service=Scope.ALL, methods_required=gates)
        found.append(Profile(f"{named}, methods as delivered", as_delivered))
        for questions in Questions:
            policy = Policy(
                self_service=Scope.ALL,
                methods_required=gates,
                reset_methods=everything,
                questions=questions,
            )
            title = f"{named}, every method allowed, questions={questions}"
            found.append(Profile(title, policy))
    return found


def answer(held: tuple[UserFactor, ...], policy: Policy | None) -> str:
    """What a user who holds this is asked for, as a cell of the table."""
    if policy is None:
        return NEVER
    options = [MethodOption(method) for method in methods_of(held) if method in policy.methods]
    if not are_enough(options, policy):
        return NEVER
    return "<br>".join(paths(options, policy, frozenset()))


def paths(options: list[MethodOption], policy: Policy, passed: frozenset[Method]) -> Iterator[str]:
    """Every way through the gates that are left; choices that lead the same way share a line."""
    choices: dict[tuple[str, ...], list[str]] = {}
    for option in available_methods(options, policy, passed):
        now = passed | {option.method}
        further = tuple(paths(options, policy, now)) if gates_missing(policy, now) else ()
        choices.setdefault(further, []).append(NAMES[option.method])
    for further, names in choices.items():
        first = " or ".join(names)
        yield from (f"{first} → {rest}" for rest in further) if further else [first]


def sign_in_answer(held: tuple[UserFactor, ...], policy: Policy) -> str:
    """What a user who holds this is asked for after the right password."""
    options = [NAMES[method] for method in methods_of(held) if method in policy.second_factors]
    asked = access(policy.sign_in_second_factor, holds_factor=bool(options), remembered=False)
    if asked is Access.SECOND_FACTOR:
        return " or ".join(options)
    return "in" if asked is Access.FULL else "registers one first"


def page() -> str:
    """The whole page."""
    resets = (line for one in profiles() for line in _table(one))
    return "\n".join([_INTRODUCTION, *resets, _SIGN_IN, *_sign_in_table()])


def _sign_in_table() -> Iterator[str]:
    policies = [
        Policy(self_service=Scope.ALL, sign_in_second_factor=asked) for asked in SecondFactor
    ]
    yield f"| Registered | {' | '.join(policy.sign_in_second_factor for policy in policies)} |"
    yield f"|{'---|' * (len(policies) + 1)}"
    for name, held in _registered():
        yield f"| {name} | {' | '.join(sign_in_answer(held, policy) for policy in policies)} |"
    yield ""


def _table(profile: Profile) -> Iterator[str]:
    yield f"## {profile.title}\n"
    yield "| Registered | People | Administrators |"
    yield "|---|---|---|"
    stricter = for_administrators(profile.policy)
    for name, held in _registered():
        yield f"| {name} | {answer(held, profile.policy)} | {answer(held, stricter)} |"
    yield ""


def _registered() -> Iterator[tuple[str, tuple[UserFactor, ...]]]:
    """Nothing, every kind alone, and every two kinds."""
    yield "nothing", ()
    for size in (1, 2):
        for kinds in combinations(KINDS, size):
            held = tuple(UserFactor(factor=factor, sms_capable=True) for factor in kinds)
            yield " + ".join(KINDS[factor] for factor in kinds), held
            if kinds == (Factor.MOBILE_PHONE,):
                yield "phone that takes no texts", (UserFactor(factor=Factor.MOBILE_PHONE),)


if __name__ == "__main__":
    PAGE.write_text(page())
