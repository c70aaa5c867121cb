"""Everything that a policy may not say.

A policy with a contradiction can't be made. An objection is raised only when a policy is changed. A
stored policy with an objection stays readable, so that an administrator can sign in and correct it.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.policy.choices import Contact, Questions, Scope
from tenants.policy.methods import Method
from tenants.policy.texts import Phrase
from tenants.policy.texts import gettext_noop as _

if TYPE_CHECKING:
    # A policy is checked when it is made.
    from tenants.policy.settings import Policy

_MOST_HOSTS = 50
_MOST_WORDS = 1_000
_WEB_HOST = re.compile(
    r"(?=.{4,253}(?::|\Z))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}(?::([1-9][0-9]{0,4}))?"
)
"""A whole host name in ASCII and lower case, no number; perhaps with a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """One thing that is wrong with a policy.

    Args:
        code: for programs.
        field: the setting that shows it.
        also: other settings that show it, because changing any of them corrects it.
        depends_on: further settings that it depends on and that don't show it.
        says: what the setting takes, for the command line.
        words: the same for the policy page.
    """

    code: str
    field: str
    says: str
    words: Phrase
    also: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    @property
    def shown_at(self) -> tuple[str, ...]:
        return (self.field, *self.also)

    @property
    def concerns(self) -> frozenset[str]:
        """All settings that it depends on."""
        return frozenset((*self.shown_at, *self.depends_on))


class Contradictory(ValueError):
    """A policy can't be like this. The text names the first setting: `setting: what it takes`."""

    def __init__(self, contradictions: tuple[Contradiction, ...]) -> None:
        first = contradictions[0]
        super().__init__(f"{first.field}: {first.says}")
        self.contradictions = contradictions


_ENOUGH_METHODS = _("Select at least as many different methods as a reset requires.")
_HTTPS_ADDRESS = _("Enter a web address that begins with https://")
_EMAIL_ADDRESS = _("Enter an email address, like helpdesk@example.com.")

NO_GROUP = Contradiction(
    code="no_group",
    field="groups",
    also=("self_service",),
    says="name at least one, or choose none or all",
    words=_("Select at least one group, or select no one or everyone."),
)
QUESTIONS_AS_METHOD = Contradiction(
    code="questions_as_method",
    field="reset_methods",
    also=("methods_required",),
    says="security questions are set by questions=second|gate",
    words=_ENOUGH_METHODS,
)
ALTERNATE_PHONE_NAMED = Contradiction(
    code="alternate_phone_named",
    field="reset_methods",
    also=("methods_required",),
    says="mobile_text and mobile_call stand for both phones",
    words=_ENOUGH_METHODS,
)
TOO_FEW_PROOFS = Contradiction(
    code="too_few_factors",
    field="reset_methods",
    also=("methods_required",),
    says="fewer factors than methods_required",
    words=_ENOUGH_METHODS,
)
NO_METHOD = Contradiction(
    code="no_method",
    field="reset_methods",
    also=("methods_required",),
    says="at least one",
    words=_ENOUGH_METHODS,
)
FEWER_QUESTIONS_REGISTERED = Contradiction(
    code="fewer_questions_registered",
    field="questions_to_register",
    also=("questions_to_reset",),
    says="at least questions_to_reset",
    words=_("Require at least as many questions at registration as at a reset."),
)
ANSWER_LENGTHS = Contradiction(
    code="answer_lengths",
    field="answer_max_length",
    also=("answer_min_length",),
    says="at least answer_min_length",
    words=_("The longest answer can’t be shorter than the shortest."),
)
NOT_A_COUNTRY = Contradiction(
    code="not_a_country",
    field="countries",
    says="ISO codes of two capital letters, like KR",
    words=_("Enter two-letter ISO codes, like KR."),
)
NO_CONTACT_URL = Contradiction(
    code="no_contact_url",
    field="contact_url",
    also=("contact",),
    says="an https:// address",
    words=_HTTPS_ADDRESS,
)
NO_CONTACT_ADDRESS = Contradiction(
    code="no_contact_address",
    field="contact_address",
    also=("contact",),
    says="an email address",
    words=_EMAIL_ADDRESS,
)
NOT_HOSTS = Contradiction(
    code="not_hosts",
    field="return_to_hosts",
    says="up to 50 like portal.example.com or a.example:8443",
    words=_("Enter up to 50 host names, like portal.example.com or portal.example.com:8443."),
)
BANNED_WORD_LENGTHS = Contradiction(
    code="banned_word_lengths",
    field="banned_words",
    says="up to 1000 words of 4 to 16 characters",
    words=_("Enter up to 1,000 words of 4 to 16 characters."),
)
PASS_MINUTES = Contradiction(
    code="pass_minutes",
    field="access_pass_minutes",
    also=("access_pass_most_minutes",),
    says="at most access_pass_most_minutes",
    words=_("A pass can’t be valid for longer than the longest time."),
)
CONTACT_URL_SCHEME = Contradiction(
    code="contact_url_scheme",
    field="contact_url",
    says="an https:// address",
    words=_HTTPS_ADDRESS,
)
CONTACT_ADDRESS_FORM = Contradiction(
    code="contact_address_form",
    field="contact_address",
    says="an email address",
    words=_EMAIL_ADDRESS,
)
APP_ALONE = Contradiction(
    code="app_alone",
    field="reset_methods",
    depends_on=("questions",),
    says="another besides the app, for users who lose it",
    words=_("Offer another method too. People who lose the app can’t reset."),
)
TOKEN_ALONE = Contradiction(
    code="token_alone",
    field="reset_methods",
    depends_on=("questions",),
    says="another besides the hardware token, for users who lose it",
    words=_("Offer another method too. People who lose the token can’t reset."),
)
TOO_FEW_QUESTIONS = Contradiction(
    code="too_few_questions",
    field="question_bank",
    also=("questions_to_register",),
    depends_on=("questions",),
    says="fewer than {count} on offer",
    words=_("Offer at least %(count)s questions, as many as people answer at registration."),
)
"""Checked by `tenants.services`, which can count the questions."""


def contradictions(policy: "Policy") -> tuple[Contradiction, ...]:
    """Every way in which this policy contradicts itself."""
    factors = {method.factor.gate for method in policy.methods}
    are_too_few = len(factors) < policy.methods_required
    no_method = not policy.reset_methods and policy.questions is not Questions.GATE
    named = policy.reset_methods | policy.sign_in_methods
    url, address = policy.contact_url, policy.contact_address
    hosts, banned = policy.return_to_hosts, policy.banned_words
    return _those_that_hold(
        (NO_GROUP, policy.self_service is Scope.GROUPS and not policy.groups),
        (QUESTIONS_AS_METHOD, Method.QUESTIONS in policy.reset_methods),
        (ALTERNATE_PHONE_NAMED, any(method.allowed_as is not method for method in named)),
        (TOO_FEW_PROOFS, are_too_few),
        (NO_METHOD, no_method and not are_too_few),
        (FEWER_QUESTIONS_REGISTERED, policy.questions_to_register < policy.questions_to_reset),
        (ANSWER_LENGTHS, policy.answer_max_length < policy.answer_min_length),
        (NOT_A_COUNTRY, any(len(code) != 2 or not code.isupper() for code in policy.countries)),
        (NO_CONTACT_URL, policy.contact is Contact.URL and not _is_https(url)),
        (NO_CONTACT_ADDRESS, policy.contact is Contact.ADDRESS and "@" not in address),
        (NOT_HOSTS, len(hosts) > _MOST_HOSTS or not all(map(_is_host, hosts))),
        (BANNED_WORD_LENGTHS, len(banned) > _MOST_WORDS or not all(map(_is_word, banned))),
        (PASS_MINUTES, policy.access_pass_minutes > policy.access_pass_most_minutes),
    )


def objections(policy: "Policy") -> tuple[Contradiction, ...]:
    """Every value that a stored policy may have, but that can't be set any more."""
    url, address = policy.contact_url, policy.contact_address
    return _those_that_hold(
        (CONTACT_URL_SCHEME, bool(url) and not _is_https(url)),
        (CONTACT_ADDRESS_FORM, bool(address) and "@" not in address),
        (APP_ALONE, policy.methods == {Method.AUTHENTICATOR}),
        (TOKEN_ALONE, policy.methods == {Method.OATH_TOKEN}),
    )


def out_of_range(name: str, lowest: int, highest: int) -> Contradiction:
    return _impossible(name, f"{lowest} to {highest}")


def wrong_kind(name: str, says: str) -> Contradictory:
    """For a value that isn't what a setting takes."""
    return Contradictory((_impossible(name, says),))


def _impossible(name: str, says: str) -> Contradiction:
    words = _("This value isn’t allowed here.")
    return Contradiction(code="impossible_value", field=name, says=says, words=words)


def _those_that_hold(*judged: tuple[Contradiction, bool]) -> tuple[Contradiction, ...]:
    return tuple(contradiction for contradiction, holds in judged if holds)


def _is_word(text: str) -> bool:
    return 4 <= len(text) <= 16


def _is_https(address: str) -> bool:
    return address.startswith("https://")


def _is_host(text: str) -> bool:
    """Whether it could be a host, with a port if it isn't the default one of https."""
    match = _WEB_HOST.fullmatch(text)
    return match is not None and match[1] != "443" and int(match[1] or 0) <= 65_535
