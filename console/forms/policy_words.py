"""Settings of a policy and their values in words, from their declarations."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from tenants.policy import all_settings
from tenants.policy.choices import Labelled
from tenants.policy.declaration import Setting
from tenants.policy.texts import Phrase
from tenants.policy.values import plain, written

_EMPTY = "–"


def translated(phrase: Phrase) -> Promise:
    """A text that was marked in a room without Django, in the language in force."""
    if phrase.context:
        return pgettext_lazy(phrase.context, phrase.msgid)
    return gettext_lazy(phrase.msgid)


def choice(labelled: Labelled) -> Promise:
    """What a choice of a setting, a method or a factor is called."""
    return translated(labelled.label)


def label(name: str) -> str:
    """What a setting is called; the name of a setting that no longer exists."""
    setting = all_settings().get(name)
    return str(translated(setting.label)) if setting else name


def in_words(setting: Setting, value: Any) -> str:
    """A value of a setting as the page says it."""
    if isinstance(value, frozenset):
        return _listed(str(choice(v)) if isinstance(v, Labelled) else v for v in value)
    return text_in_words(setting.name, written(plain(value)))


def text_in_words(name: str, text: str) -> str:
    """The same, of a value as the audit log has it."""
    setting = all_settings().get(name)
    if setting is None:
        return text or _EMPTY
    if setting.item is bool:
        return _("Yes") if text == "yes" else _("No")
    # A choice that no longer exists is shown as it is stored.
    names = {str(each.value): str(choice(each)) for each in setting.choices}
    if setting.is_several:
        return _listed(names.get(part, part) for part in text.split(",") if part)
    return names.get(text, text) or _EMPTY


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(sorted(texts)) or _EMPTY
