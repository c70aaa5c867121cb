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


def choice(one: Labelled) -> Promise:
    """What a choice of a setting, a method or a proof is called."""
    return translated(one.label)


def label(name: str) -> str:
    """What a setting is called; one that there was once, and isn't any more, by its name."""
    setting = all_settings().get(name)
    return str(translated(setting.label)) if setting else name


def in_words(setting: Setting, value: Any) -> str:
    """A value of a setting as the page says it."""
    if isinstance(value, frozenset):
        return _listed(str(choice(one)) if isinstance(one, Labelled) else one for one in value)
    return text_in_words(setting.name, written(plain(value)))


def text_in_words(name: str, text: str) -> str:
    """The same, from how the value is written down in the audit log."""
    setting = all_settings().get(name)
    if setting is None:
        return text or _EMPTY
    if setting.item is bool:
        return _("Yes") if text == "yes" else _("No")
    # A choice that there was once, and isn't any more, stays as it was written.
    names = {str(one.value): str(choice(one)) for one in setting.choices}
    if setting.is_several:
        return _listed(names.get(part, part) for part in text.split(",") if part)
    return names.get(text, text) or _EMPTY


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(sorted(texts)) or _EMPTY
