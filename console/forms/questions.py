"""Choosing and writing security questions."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_SHORTEST, _LONGEST = 3, 200


class OfferForm(forms.Form):
    """Which questions are on offer; the page draws the boxes."""

    on_offer = forms.MultipleChoiceField(required=False)

    def __init__(self, data: Mapping[str, Any] | None, *, ids: Collection[str]) -> None:
        super().__init__(data)
        field = self.fields["on_offer"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(qid, qid) for qid in ids]


class QuestionForm(forms.Form):
    """A question of the organisation's own, in each language."""

    en = forms.CharField(label=_("In English"), max_length=_LONGEST, required=False)
    ko = forms.CharField(label=_("In Korean"), max_length=_LONGEST, required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        language: str,
        taken: Collection[str],
        initial: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self._taken = {text.casefold() for text in taken}
        self.fields[language].required = True
        self.fields[language].error_messages["required"] = _("Enter the question")

    def clean_en(self) -> str:
        return self._text("en")

    def clean_ko(self) -> str:
        return self._text("ko")

    @property
    def texts(self) -> dict[str, str]:
        return {language: text for language, text in self.cleaned_data.items() if text}

    def _text(self, language: str) -> str:
        typed: str = self.cleaned_data[language]
        text = " ".join(unicodedata.normalize("NFKC", typed).split())
        if not text:
            return ""
        # Some letters become several in NFKC.
        if not _SHORTEST <= len(text) <= _LONGEST or not text.isprintable():
            raise forms.ValidationError(_("Enter 3 to 200 characters."))
        if text.casefold() in self._taken:
            raise forms.ValidationError(_("This question already exists."))
        return text
