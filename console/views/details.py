"""The details of an event, line by line, in words."""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from audit.activities import Activity
from audit.models import Event
from audit.words import DETAIL_VALUES, DETAILS, SHOWN_DETAILS
from console.forms.audit import FILTER_NAMES
from console.forms.directory_words import SETTING_NAMES
from console.forms.people import ROLES
from console.forms.person import FIELD_NAMES
from console.forms.policy_words import choice, label, text_in_words
from directory.models import UserIDChange
from directory.queries import upn_of
from tenants.models import CustomQuestion
from tenants.policy import Factor, Method
from tenants.predefined_questions import PREDEFINED
from tenants.roles import Role
from verification.flow.callers import PORTAL
from verification.services.notice_words import NOTICE_NAMES

Say = Callable[[str], str]
_CHANGES = ("setting", "old", "new", "group", "directory", "change", "settings", "text", "language")
_QUESTIONS = ("switched_on", "switched_off")
_BRANDING: dict[str, Promise] = {
    "colour": gettext_lazy("Brand colour"),
    "logo": gettext_lazy("Logo"),
    "names": gettext_lazy("Name"),
    "help_texts": gettext_lazy("Help text"),
    "help_phone": gettext_lazy("Phone number for help"),
    "help_url": gettext_lazy("Web page for help"),
    "portal_host": gettext_lazy("Host name of your portal"),
}


def changes_of(event: Event) -> str:
    """What was changed, in one line without looking anything up."""
    lines = details_of(event, only=_CHANGES)
    return ", ".join(f"{label}: {words}" for label, words in lines)


def details_of(event: Event, *, only: Sequence[str] = SHOWN_DETAILS) -> list[tuple[str, str]]:
    """What each detail is called, and what it says.

    Args:
        only: names of the details, in the order of the lines.
    """
    facts = {name: str(event.details[name]) for name in only if name in event.details}
    lines, say = [], _FORMATS
    if event.activity == Activity.POLICY_CHANGED and "setting" in facts:
        name, old, new = (facts.pop(key, "") for key in ("setting", "old", "new"))
        lines.append((label(name), f"{text_in_words(name, old)} → {text_in_words(name, new)}"))
    if event.activity == Activity.USER_RENAMED and only is SHOWN_DETAILS:
        change = UserIDChange.objects.filter(pk=event.details["renaming"]).first()
        erased = _("erased with the user")
        facts |= {"old": change.old, "new": change.new} if change else {"old": erased}
    if event.activity == Activity.ROLE_CHANGED:
        say = say | dict.fromkeys(("old", "new"), _role)
    if event.activity == Activity.QUESTIONS_CHANGED:
        say = say | dict.fromkeys(_QUESTIONS, _each(_question))
    for name, value in facts.items():
        if words := say.get(name, str)(value):
            lines.append((str(DETAILS.get(name, name)), words))
    return lines


def _each(say: Say) -> Say:
    return lambda value: ", ".join(say(part.strip()) for part in value.split(",") if part.strip())


def _one_of(words: Mapping[str, Promise | str]) -> Say:
    return lambda value: str(words.get(value, value))


def _question(qid: str) -> str:
    if qid in PREDEFINED:
        return str(PREDEFINED[qid])
    number = qid[1:] if qid[:1] == "c" and qid[1:].isdecimal() else "0"
    own = CustomQuestion.objects.filter(pk=int(number)).first()
    texts = own.texts if own else {}
    return texts.get(get_language() or "en") or next(iter(texts.values()), qid)


def _method(value: str) -> str:
    if value == PORTAL:
        return _("Number on the caller’s screen")
    for kind in (Method, Factor):
        if value in set(kind):
            return str(choice(kind(value)))
    return value


def _role(value: str) -> str:
    if value == Role.NONE:
        return _("No role")
    return str(ROLES.get(Role(value), value)) if value in set(Role) else value


def _count(value: str) -> str:
    return number_format(int(value)) if value.isdecimal() else value


def _yes_or_no(value: str) -> str:
    return _("Yes") if value == "True" else _("No")


_FORMATS: dict[str, Say] = {
    **dict.fromkeys(("method", "methods"), _each(_method)),
    **dict.fromkeys(("restored", "once", "removed"), _yes_or_no),
    **dict.fromkeys(("rows", "read", "created", "updated", "unchanged", "refused"), _count),
    **{name: _one_of(words) for name, words in DETAIL_VALUES.items()},
    "agent_ids": _each(lambda value: upn_of(int(value)) if value.isdecimal() else ""),
    "fields": _each(_one_of(FIELD_NAMES)),
    "filters": _each(_one_of(FILTER_NAMES)),
    "settings": _each(_one_of(_BRANDING | SETTING_NAMES)),
    "text": _one_of({notice.value: name for notice, name in NOTICE_NAMES.items()}),
    "language": _one_of(dict(settings.LANGUAGES)),
}
