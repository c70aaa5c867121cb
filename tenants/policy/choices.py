"""The values of settings that are a choice, with their labels on pages."""

from enum import StrEnum
from typing import Self

from tenants.policy.texts import Phrase, pgettext
from tenants.policy.texts import gettext_noop as _


class Labelled(StrEnum):
    """Values with labels. Pages list them in the order of declaration."""

    _value_: str
    label: Phrase

    def __new__(cls, value: str, label: Phrase = Phrase("")) -> Self:
        # Type checkers take `Scope("all")` for a call of this method, so the label has a default.
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Scope(Labelled):
    NONE = "none", _("No one")
    GROUPS = "groups", _("Selected groups")
    ALL = "all", _("Everyone")


class Unknown(Labelled):
    ERRORS = "errors", _("Clear errors")
    DECOY = "decoy", _("The same verification page for everyone")


class Questions(Labelled):
    OFF = "off", pgettext("questions", "Off")
    SECOND = "second", _("Only after another method")
    GATE = "gate", _("Like any other method")


class Bank(Labelled):
    PREDEFINED = "predefined", _("The questions that come with the service")
    CUSTOM = "custom", _("Your own questions")
    BOTH = "both", _("Both")


class CallConfirmation(Labelled):
    NUMBER_SHOWN = "number_shown", _("Entering the number shown on the page")
    POUND = "pound", _("Pressing the # key")
    SPOKEN_CODE = "spoken_code", _("Hearing a code and entering it on the page")


class SecondFactor(Labelled):
    """Who has to use a second factor at sign-in."""

    OFF = "off", _("Not required at sign-in")
    REGISTERED = "registered", _("Required for people who registered a method for it")
    REQUIRED = "required", _("Required for everyone; people without a method register one first")


class OfficeEditor(Labelled):
    ADMINS = "admins", _("Administrators only")
    USER = "user", _("Administrators and the user")


class Contact(Labelled):
    MAIL = "mail", _("Email to the helpdesk")
    ADDRESS = "address", _("Email to this address")
    URL = "url", _("A web page")
    OFF = "off", _("Not offered")
