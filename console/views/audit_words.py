"""What a record of the audit log says besides who and what, in words."""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from audit.activities import Activity
from audit.models import Event
from console.forms.people import ROLES
from console.forms.policy_words import choice, label, text_in_words
from console.queries.audit import own_questions
from console.views.texts import NAMES
from console.views.words import TITLES
from directory.queries import upn_of
from reset.refusals import Refusal
from tenants.policy import Factor, Method
from tenants.predefined_questions import PREDEFINED
from tenants.roles import Role
from verification.flow.callers import PORTAL

_REASONS: dict[str, Promise] = {
    "identified": pgettext_lazy("reason", "User ID entered"),
    "chose_forgot": pgettext_lazy("reason", "Chose to reset the password"),
    "chose_unlock": pgettext_lazy("reason", "Chose to unlock the account"),
    "gate_passed": pgettext_lazy("reason", "Verified"),
    "code_wrong": pgettext_lazy("reason", "Wrong code or answer"),
    "number_wrong": pgettext_lazy("reason", "Wrong phone number"),
    "code_older": pgettext_lazy("reason", "Earlier code"),
    "code_dead": pgettext_lazy("reason", "Too many wrong codes"),
    "code_expired": pgettext_lazy("reason", "Expired code"),
    "too_many_wrong_guesses": pgettext_lazy("reason", "Too many failed attempts"),
    "codes_to_a_phone": pgettext_lazy("reason", "Too many codes to this phone"),
    "denied_calls_to_a_phone": pgettext_lazy("reason", "A call to this phone was denied"),
    "codes_to_a_phone_daily": pgettext_lazy("reason", "Too many codes to this phone in a day"),
    "codes_to_an_email": pgettext_lazy("reason", "Too many codes to this address"),
    "notice": pgettext_lazy("reason", "“This wasn’t me” in a message"),
    "security_info": pgettext_lazy("reason", "“This wasn’t me” in the security info"),
    "wasnt_me": pgettext_lazy("reason", "“This wasn’t me”"),
    "access_pass": pgettext_lazy("reason", "Wrong Temporary Access Pass"),
    "role": pgettext_lazy("reason", "Role assigned"),
    "everywhere": pgettext_lazy("reason", "Everywhere"),
}
_REFUSALS = {
    **TITLES,
    Refusal.DIRECTORY_UNREACHABLE: gettext_lazy("We can’t reach your organisation’s directory"),
    Refusal.PASSWORD_REJECTED: gettext_lazy("Your organisation’s directory didn’t accept this."),
    Refusal.SESSION_ENDED: gettext_lazy("Your session has ended"),
}
_LABELS: dict[str, Promise] = {
    "place": gettext_lazy("Network"),
    "note": gettext_lazy("Reason"),
    "method": gettext_lazy("Method"),
    "methods": gettext_lazy("Methods"),
    "way": gettext_lazy("Method"),
    "group": gettext_lazy("Group"),
    "change": gettext_lazy("Change"),
    "old": pgettext_lazy("audit", "Before"),
    "new": pgettext_lazy("audit", "After"),
    "switched_on": gettext_lazy("Questions turned on"),
    "switched_off": gettext_lazy("Questions turned off"),
    "settings": gettext_lazy("Settings"),
    "text": gettext_lazy("Text"),
    "language": gettext_lazy("Language"),
    "restored": gettext_lazy("Default text restored"),
    "removed": gettext_lazy("Removed"),
    "minutes": gettext_lazy("Valid for (minutes)"),
    "once": gettext_lazy("Single use"),
    "columns": gettext_lazy("Columns"),
    "file": gettext_lazy("Number of the import"),
    "rows": gettext_lazy("Rows"),
    "read": gettext_lazy("Rows"),
    "created": gettext_lazy("New"),
    "updated": gettext_lazy("Changed"),
    "unchanged": gettext_lazy("Unchanged"),
    "refused": gettext_lazy("With errors"),
    "slug": gettext_lazy("Short name in links"),
    "source": gettext_lazy("Done through"),
    "number": gettext_lazy("Position in the chain"),
    "findings": gettext_lazy("Known problems"),
    "agent_ids": gettext_lazy("Reported action by"),
    "taken_at": gettext_lazy("Time of the backup"),
}
_CHANGES: dict[str, Promise] = {
    "added": pgettext_lazy("group", "added"),
    "deleted": pgettext_lazy("group", "deleted"),
    "removed": pgettext_lazy("group", "removed"),
    "renamed": pgettext_lazy("group", "renamed"),
    "nesting": pgettext_lazy("group", "groups inside it changed"),
}
_LOOKS: dict[str, Promise] = {
    "colour": gettext_lazy("Brand colour"),
    "logo": gettext_lazy("Logo"),
    "names": gettext_lazy("Name"),
    "help_texts": gettext_lazy("Help text"),
    "help_phone": gettext_lazy("Phone number for help"),
    "help_url": gettext_lazy("Web page for help"),
    "portal_host": gettext_lazy("Host name of your portal"),
}
_SOURCES: dict[str, Promise] = {
    "command": gettext_lazy("Command line"),
    "admin": gettext_lazy("Administration"),
}


def reason_of(event: Event) -> str:
    """Why it came out as it did; empty where nothing is said."""
    reason = event.reason
    if found := _REASONS.get(reason):
        return str(found)
    for refusal, words in _REFUSALS.items():
        if reason in {refusal.value, refusal.name.lower()}:
            return f"{refusal.value} {words}"
    return reason


def details_of(event: Event) -> list[tuple[str, str]]:
    """The rest of a record, line by line: what it is called, and what it says."""
    facts = {name: str(value) for name, value in event.details.items()}
    lines = []
    if event.activity == Activity.POLICY_CHANGED and "setting" in facts:
        lines.append(_setting(facts.pop("setting"), facts.pop("old", ""), facts.pop("new", "")))
    say = _sayings(event, facts)
    for name, value in facts.items():
        words = say.get(name, str)(value)
        if words:
            lines.append((str(_LABELS.get(name, name)), words))
    return lines


def _setting(name: str, old: str, new: str) -> tuple[str, str]:
    return label(name), f"{text_in_words(name, old)} → {text_in_words(name, new)}"


def _sayings(event: Event, facts: dict[str, str]) -> dict[str, Callable[[str], str]]:
    """How the value of each detail is said; what isn't here is said as it is."""
    said: dict[str, Callable[[str], str]] = {
        **dict.fromkeys(("method", "methods", "way"), _methods),
        **dict.fromkeys(("restored", "once", "removed"), _yes_or_no),
        **dict.fromkeys(("rows", "read", "created", "updated", "unchanged", "refused"), _count),
        "agent_ids": _each(lambda value: upn_of(int(value)) if value.isdecimal() else ""),
        "change": _one_of(_CHANGES),
        "source": _one_of(_SOURCES),
        "settings": _each(_one_of(_LOOKS)),
        "text": _one_of({notice.value: name for notice, name in NAMES.items()}),
        "language": _one_of(dict(settings.LANGUAGES)),
    }
    if event.activity == Activity.ROLE_CHANGED:
        said |= dict.fromkeys(("old", "new"), _role)
    if event.activity == Activity.QUESTIONS_CHANGED:
        said |= _questions(facts)
    return said


def _questions(facts: dict[str, str]) -> dict[str, Callable[[str], str]]:
    named = ("switched_on", "switched_off")
    ids = [one.strip() for name in named for one in facts.get(name, "").split(",")]
    own, language = own_questions(ids), get_language() or "en"

    def called(qid: str) -> str:
        texts = own.get(qid, {})
        return str(PREDEFINED.get(qid) or texts.get(language) or next(iter(texts.values()), qid))

    # The numbers of questions whose words are on the lines beside them.
    unsaid = dict.fromkeys(("added", "reworded", "now"), lambda _number: "")
    return {**unsaid, **dict.fromkeys(named, _each(called))}


def _each(say: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: ", ".join(say(one.strip()) for one in value.split(",") if one.strip())


def _one_of(words: Mapping[str, Promise | str]) -> Callable[[str], str]:
    return lambda value: str(words.get(value, value))


def _methods(value: str) -> str:
    return _each(_method)(value)


def _method(value: str) -> str:
    if value == PORTAL:
        return _("Number on the caller’s screen")
    for kind in (Method, Factor):
        if value in set(kind):
            return str(choice(kind(value)))
    return value


def _count(value: str) -> str:
    return number_format(int(value)) if value.isdecimal() else value


def _yes_or_no(value: str) -> str:
    return _("Yes") if value == "True" else _("No")


def _role(value: str) -> str:
    if value == Role.NONE:
        return _("No role")
    return str(ROLES.get(Role(value), value)) if value in set(Role) else value
