"""The forms of sign-in and registration."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from delivery.rules import phones
from delivery.rules.mailboxes import MISTYPED_DOMAINS, NotAMailbox, mailbox, mailbox_key
from delivery.rules.phones import NotAPhone, Phone, PhoneProblem
from tenants.policy import Method, Policy
from verification.methods import module_of
from verification.methods.options import option_words
from verification.rules.answers import AnswerProblem, answer_problems
from verification.rules.method_options import MethodOption

_MAX_TYPED = 500


class DefaultMethodForm(forms.Form):
    """The method that sign-in asks for first, or the strongest."""

    method = forms.ChoiceField(
        label=gettext_lazy("Use this method first"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Select a method")},
        widget=forms.RadioSelect,
    )

    def __init__(
        self, data: Mapping[str, Any] | None, *, options: Sequence[MethodOption], chosen: str | None
    ) -> None:
        super().__init__(data, initial={"method": chosen or ""})
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        held = [(option.method.value, option_words(option)) for option in options]
        field.choices = [("", _("The strongest method I have")), *held]


class SignInForm(forms.Form):
    shown_again = ("username",)
    username = forms.CharField(
        label=gettext_lazy("User ID"),
        help_text=gettext_lazy("Usually your work or school email address, like minji@example.com"),
        max_length=_MAX_TYPED,
        error_messages={"required": gettext_lazy("Enter your user ID")},
        widget=forms.TextInput(attrs={"autocomplete": "username", "inputmode": "email"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        error_messages={"required": gettext_lazy("Enter your password")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class AccessPassForm(forms.Form):
    """A user ID and a Temporary Access Pass."""

    shown_again = ("username",)
    username = SignInForm.base_fields["username"]
    access_pass = forms.CharField(
        label=gettext_lazy("Temporary Access Pass"),
        help_text=gettext_lazy("The pass your administrator gave you"),
        max_length=_MAX_TYPED,
        error_messages={"required": gettext_lazy("Enter the pass")},
        # Not shown again: a pass for several times may be right, and the name wrong.
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "data-show": gettext_lazy("Show the pass")}
        ),
    )


class PhoneForm(forms.Form):
    """A phone, and whether it is texted or called to verify it."""

    shown_again = ("phone",)
    phone_country = forms.ChoiceField(
        label=gettext_lazy("Country or region"),
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone number"),
        max_length=_MAX_TYPED,
        error_messages={"required": gettext_lazy("Enter your phone number")},
        widget=forms.TextInput(
            attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel-national"}
        ),
    )
    method = forms.ChoiceField(
        label=gettext_lazy("How should we verify this number?"),
        help_text=gettext_lazy("Your carrier may charge for messages or calls."),
        error_messages={
            "required": gettext_lazy("Select a method"),
            "invalid_choice": gettext_lazy("Select a method"),
        },
        widget=forms.RadioSelect,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        home: str,
        countries: frozenset[str],
        methods: list[Method],
    ) -> None:
        super().__init__(data)
        self._countries = countries
        country, method = self.fields["phone_country"], self.fields["method"]
        assert isinstance(country, forms.ChoiceField)
        assert isinstance(method, forms.ChoiceField)
        named = sorted((region != home, country_name(region), region) for region in countries)
        country.choices = [
            (region, f"{name} (+{phones.calling_code(region)})") for _away, name, region in named
        ]
        method.choices = [(option.value, _(module_of(option).send_words)) for option in methods]
        self.initial = {"phone_country": home, **_chosen_beforehand(methods)}
        # Office phones are only called; they may have an extension, and be internet telephony.
        self._office = all(method.factor.is_office for method in methods)
        national, _international = phones.example(home)
        self.fields["phone"].help_text = _(
            "Type it as you normally do, for example %(example)s"
        ) % {"example": national}
        self.fields["phone"].widget.attrs.pop("maxlength", None)

    def clean(self) -> None:
        region, typed = self.cleaned_data.get("phone_country"), self.cleaned_data.get("phone")
        if not region or not typed:
            return
        try:
            found = phones.phone(
                typed, region=region, countries=self._countries, office=self._office
            )
        except NotAPhone as wrong:
            self.add_error("phone", phone_words(wrong, region))
            return
        method = self.cleaned_data.get("method")
        if method and Method(method).is_text and not found.sms_capable:
            words = _("Text messages can’t reach this landline. Choose a call instead.")
            self.add_error("phone", words)
            return
        self.cleaned_data["phone"] = found

    @property
    def found(self) -> Phone:
        found: Phone = self.cleaned_data["phone"]
        return found


class EmailForm(forms.Form):
    """An address. The user confirms one that looks mistyped."""

    shown_again = ("email",)
    suggestion = ""
    """What was probably meant instead."""
    meant = forms.CharField(required=False, max_length=_MAX_TYPED, widget=forms.HiddenInput)
    email = forms.CharField(
        label=gettext_lazy("Email address"),
        help_text=gettext_lazy("A personal address you can open even if you’re locked out of work"),
        max_length=_MAX_TYPED,
        error_messages={"required": gettext_lazy("Enter an email address")},
        widget=forms.TextInput(
            attrs={"type": "email", "inputmode": "email", "autocomplete": "email"}
        ),
    )

    def clean_email(self) -> str:
        try:
            address = mailbox(self.cleaned_data["email"])
        except NotAMailbox:
            words = _("Enter an email address like name@example.com")
            raise forms.ValidationError(words, code="format") from None
        local, _at, domain = address.partition("@")
        meant = mailbox_key(self.cleaned_data.get("meant") or "")
        if domain in MISTYPED_DOMAINS and meant != mailbox_key(address):
            self.suggestion = f"{local}@{MISTYPED_DOMAINS[domain]}"
        return address


class EnteredForm(forms.Form):
    """How to verify what an administrator entered. The form doesn't carry the destination."""

    method = forms.ChoiceField(
        label=gettext_lazy("How should we verify this number?"),
        error_messages={
            "required": gettext_lazy("Select a method"),
            "invalid_choice": gettext_lazy("Select a method"),
        },
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None, *, methods: list[Method]) -> None:
        # Another form on the page has a field of the same name.
        super().__init__(data, auto_id="id_entered_%s")
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        modules = [(method, module_of(method)) for method in methods]
        field.choices = [
            (method.value, _(module.send_entered_words.get(method, module.send_words)))
            for method, module in modules
        ]
        self.initial = _chosen_beforehand(methods)


class QuestionsForm(forms.Form):
    """Pairs of a question and its answer. Answers without a problem stay in their fields.

    They stay only in the response to the browser's own request, which is stored nowhere.

    Args:
        shuffled_by: the order of the questions differs between sessions, not between reloads.
    """

    labels_problems = True
    shows_secrets_again = False
    """Whether the page shows an answer that was typed."""

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        bank: Mapping[str, str],
        policy: Policy,
        names: list[str],
        shuffled_by: str,
    ) -> None:
        super().__init__(data)
        self._bank, self._policy, self._names = bank, policy, names
        self._numbers = range(1, policy.questions_to_register + 1)

        def position(item: tuple[str, str]) -> bytes:
            return hashlib.sha256(f"{shuffled_by}:{item[0]}".encode()).digest()

        choices = [("", _("Choose a question")), *sorted(bank.items(), key=position)]
        for n in self._numbers:
            self._add_pair(n, choices)

    def _add_pair(self, n: int, choices: list[tuple[str, str]]) -> None:
        named = {"n": n}
        self.fields[f"question_{n}"] = forms.ChoiceField(
            label=_("Question %(n)s") % named,
            choices=choices,
            error_messages={"required": _("Select a question from the list")},
            widget=forms.Select(attrs={"autocomplete": "off"}),
        )
        attrs = {"autocomplete": "off", "autocapitalize": "none"}
        if n == 1:
            attrs["data-show"] = _("Show answers")
        self.fields[f"answer_{n}"] = forms.CharField(
            label=_("Answer %(n)s") % named,
            help_text=_("3 to 40 characters. Capital letters and extra spaces don’t matter."),
            max_length=_MAX_TYPED,
            error_messages={"required": _("Enter your answer")},
            widget=forms.PasswordInput(attrs=attrs),
        )
        self.fields[f"answer_{n}"].widget.attrs.pop("maxlength", None)

    def clean(self) -> None:
        chosen: dict[str, int] = {}
        for n in self._numbers:
            question_id = self.cleaned_data.get(f"question_{n}")
            if question_id in chosen:
                words = _("You chose this question twice. Choose a different one.")
                self.add_error(f"question_{n}", words)
            elif question_id:
                chosen[question_id] = n
        self._judge(chosen)
        for n in self._numbers:
            if f"answer_{n}" not in self.errors:
                self.fields[f"answer_{n}"].widget.render_value = True
                self.shows_secrets_again = True

    def _judge(self, chosen: Mapping[str, int]) -> None:
        typed = {
            self._bank[question_id]: self.cleaned_data.get(f"answer_{n}", "")
            for question_id, n in chosen.items()
        }
        numbers = {self._bank[question_id]: n for question_id, n in chosen.items()}
        problems = answer_problems(
            typed,
            names=self._names,
            shortest=self._policy.answer_min_length,
            longest=self._policy.answer_max_length,
        )
        for question, problem in problems.items():
            name = f"answer_{numbers[question]}"
            if name in self.cleaned_data:
                self.add_error(name, self._words(problem))

    def _words(self, problem: AnswerProblem) -> str:
        return {
            AnswerProblem.EMPTY: _("Enter your answer"),
            AnswerProblem.LENGTH: _("Use 3 to 40 characters"),
            AnswerProblem.SAME: _("You gave this answer twice. Each answer must be different."),
            AnswerProblem.CONTAINS_QUESTION: _(
                "The answer repeats words of the question. Choose something else."
            ),
            AnswerProblem.PERSONAL: _(
                "The answer contains your name or user ID. Choose something else."
            ),
            AnswerProblem.IDENTITY_NUMBER: _(
                "Don’t enter an identity number. Choose something else."
            ),
        }[problem]

    @property
    def answers(self) -> dict[str, str]:
        """Question id → answer as typed."""
        return {
            self.cleaned_data[f"question_{n}"]: self.cleaned_data[f"answer_{n}"]
            for n in self._numbers
        }


def country_name(region: str) -> str:
    """A country in the language in force."""
    locale = Locale.parse((get_language() or "en").replace("-", "_"))
    return str(locale.territories.get(region, region))


def _chosen_beforehand(methods: list[Method]) -> dict[str, str]:
    """The only method, or none: texts and calls may cost the user something."""
    return {"method": methods[0].value} if len(methods) == 1 else {}


def phone_words(wrong: NotAPhone, region: str) -> str:
    """Why a number is refused.

    Args:
        region: the country that was chosen beside it.
    """
    national, international = phones.example(region)
    named = {
        "example": national,
        "intl": international,
        "country": country_name(wrong.region or region),
    }
    return {
        PhoneProblem.EMPTY: _("Enter your phone number"),
        PhoneProblem.FORMAT: _(
            "Enter a phone number like %(example)s, or with the country code like %(intl)s"
        ),
        PhoneProblem.DIGIT_MISSING: _(
            "A digit seems to be missing. A number that begins with 010 has eight more digits."
        ),
        PhoneProblem.EXTENSION: _(
            "Enter a phone number like %(example)s, or with the country code like %(intl)s"
        ),
        PhoneProblem.IMPOSSIBLE: _(
            "This isn’t a valid phone number for %(country)s. Check the digits."
        ),
        PhoneProblem.KIND: _(
            "Premium, shared-cost, satellite and company switchboard numbers can’t be used"
        ),
        PhoneProblem.COUNTRY: _("Your organisation doesn’t allow numbers from %(country)s"),
    }[wrong.problem] % named


class SavedForm(forms.Form):
    """Confirms that the recovery codes on the page are saved. Carries them, to show them again."""

    shows_secrets_again = True
    codes = forms.CharField(
        max_length=_MAX_TYPED,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )
    saved = forms.BooleanField(
        label=gettext_lazy("I have saved these codes"),
        error_messages={"required": gettext_lazy("Confirm that you saved the codes")},
    )

    @property
    def shown(self) -> list[str]:
        """The codes that the page showed, if it was our page."""
        return str(self.data.get("codes", ""))[:_MAX_TYPED].split()
