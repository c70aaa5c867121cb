"""Problems of files and rows in words, in the language in force."""

from collections.abc import Iterable

from babel import Locale
from django.utils.translation import get_language, gettext, to_locale
from django.utils.translation import gettext_lazy as _

from provisioning.rules.problems import FileProblem, Reason, RowProblem, UnusableFile

_WORDS = {
    RowProblem.UPN_MISSING: _("Row %(row)s: user_principal_name is missing"),
    RowProblem.UPN_MALFORMED: _("Row %(row)s: “%(value)s” is not a valid user principal name"),
    RowProblem.DOMAIN_NOT_OURS: _(
        "Row %(row)s: the domain %(value)s does not belong to %(tenant)s"
    ),
    RowProblem.SAME_USER_TWICE: _("Row %(row)s: this user is also in row %(other)s"),
    RowProblem.NOT_A_PHONE: _("Row %(row)s: “%(value)s” is not a phone number in %(country)s"),
    RowProblem.NUMBER_SHORTENED: _(
        "Row %(row)s: Excel turned the number into “%(value)s”. Format the column as text and "
        "export again."
    ),
    RowProblem.KIND_OF_NUMBER: _("Row %(row)s: numbers of this kind can’t be used (%(value)s)"),
    RowProblem.NOT_A_MAILBOX: _("Row %(row)s: “%(value)s” is not a valid email address"),
    RowProblem.OWN_DOMAIN: _("Row %(row)s: the alternate email is in your own domain"),
    RowProblem.UNKNOWN_LANGUAGE: _(
        "Row %(row)s: unknown language “%(value)s”. Use a code such as ko or en."
    ),
    RowProblem.UNKNOWN_GROUP: _("Row %(row)s: the group “%(value)s” does not exist"),
    RowProblem.TOO_MANY_CELLS: _("Row %(row)s: %(count)s columns, expected %(expected)s"),
    RowProblem.PASSWORD_LENGTH: _("Row %(row)s: the password is not accepted: %(reason)s"),
    RowProblem.UNREADABLE: _("Row %(row)s: not readable as %(encoding)s"),
    RowProblem.CONTROL_CHARACTERS: _(
        "Row %(row)s: line breaks and control characters can’t be used (%(column)s)"
    ),
    RowProblem.TOO_LONG: _("Row %(row)s: longer than %(limit)s characters (%(column)s)"),
    RowProblem.TOO_MANY_GROUPS: _("Row %(row)s: more than %(limit)s groups"),
    RowProblem.QUOTE_MISSING: _(
        "Row %(row)s: the quotation marks don’t match, or there is a line break between them"
    ),
    RowProblem.NAME_TAKEN: _("Row %(row)s: the name “%(value)s” is used by another user"),
    RowProblem.DELETED_HERE: _(
        "Row %(row)s: %(value)s was deleted. Restore or erase that person first, under “Deleted"
        " people”."
    ),
    RowProblem.COUNTRY_NOT_ALLOWED: _(
        "Row %(row)s: the policy doesn’t allow calls and texts to %(country)s (%(value)s)"
    ),
    RowProblem.EXTENSION_NOT_HERE: _(
        "Row %(row)s: only an office phone may have an extension (%(value)s)"
    ),
    RowProblem.DIGIT_MISSING: _(
        "Row %(row)s: a digit seems to be missing in “%(value)s”: 010 is followed by eight digits"
    ),
    RowProblem.ROW_TOO_LONG: _("Row %(row)s: the whole row is longer than %(limit)s characters"),
    RowProblem.UNKNOWN_COUNTRY: _(
        "Row %(row)s: unknown country “%(value)s”. Use its name or a code such as KR or GB."
    ),
    RowProblem.ZERO_ADDED: _("Row %(row)s: a leading 0 was added to %(value)s"),
    RowProblem.GROUP_NOT_IN_POLICY: _(
        "Row %(row)s: the policy doesn’t use the group “%(value)s”. Check its "
        "spelling if its members should be able to reset."
    ),
    RowProblem.PASSWORD_NOT_SET: _(
        "Row %(row)s: the password was not set, because %(name)s already registered security info."
        " Issue a temporary password on the person’s page instead."
    ),
    RowProblem.VERIFIED_KEPT: _(
        "Row %(row)s: %(name)s already verified a different number; it is not overwritten"
    ),
    RowProblem.FROZEN_KEPT: _(
        "Row %(row)s: %(name)s is frozen after “This wasn’t me”, so contact data is not changed"
        " (%(column)s)"
    ),
    RowProblem.DISOWNED_KEPT: _(
        "Row %(row)s: %(name)s reported that they didn’t request something you did, "
        "so contact data is not changed (%(column)s). Another member of your team "
        "has to help."
    ),
    RowProblem.GROUP_NEW: _("Row %(row)s: the group “%(value)s” is new"),
    RowProblem.NOT_IN_FILE: _("%(upn)s is not in the file"),
    RowProblem.ANYONE: _(
        "Row %(row)s: the user ID can’t be read, so no person counts as missing from the file"
    ),
    RowProblem.VALUE_CHANGED: _("Row %(row)s: %(upn)s, %(column)s: %(old)s → %(new)s"),
    RowProblem.USER_ID_RESPELLED: _(
        "Row %(row)s: “%(value)s” is read as %(upn)s. Check that it’s the same person."
    ),
}
_KIND_WORDS = {
    RowProblem.UPN_MISSING: _("No user ID"),
    RowProblem.UPN_MALFORMED: _("Not a valid user ID"),
    RowProblem.DOMAIN_NOT_OURS: _("Domain of another organisation"),
    RowProblem.SAME_USER_TWICE: _("Duplicate user"),
    RowProblem.NOT_A_PHONE: _("Not a phone number"),
    RowProblem.NUMBER_SHORTENED: _("Number shortened by Excel"),
    RowProblem.KIND_OF_NUMBER: _("Kind of number that can’t be used"),
    RowProblem.NOT_A_MAILBOX: _("Not an email address"),
    RowProblem.OWN_DOMAIN: _("Alternate email in your own domain"),
    RowProblem.UNKNOWN_LANGUAGE: _("Unknown language"),
    RowProblem.UNKNOWN_GROUP: _("Unknown group"),
    RowProblem.TOO_MANY_CELLS: _("Too many columns"),
    RowProblem.PASSWORD_LENGTH: _("Password that isn’t accepted"),
    RowProblem.UNREADABLE: _("Unreadable characters"),
    RowProblem.CONTROL_CHARACTERS: _("Line breaks or control characters"),
    RowProblem.TOO_LONG: _("Too long"),
    RowProblem.TOO_MANY_GROUPS: _("Too many groups"),
    RowProblem.QUOTE_MISSING: _("Quotation marks that don’t match"),
    RowProblem.NAME_TAKEN: _("User ID that is taken"),
    RowProblem.COUNTRY_NOT_ALLOWED: _("Country that the policy doesn’t allow"),
    RowProblem.EXTENSION_NOT_HERE: _("Extension of a phone that may have none"),
    RowProblem.DIGIT_MISSING: _("Missing digit"),
    RowProblem.UNKNOWN_COUNTRY: _("Unknown country"),
    RowProblem.ROW_TOO_LONG: _("Row that is too long"),
    RowProblem.DELETED_HERE: _("Deleted user"),
    RowProblem.ZERO_ADDED: _("Leading 0 added"),
    RowProblem.VERIFIED_KEPT: _("Verified data that stays"),
    RowProblem.GROUP_NOT_IN_POLICY: _("Group that the policy doesn’t use"),
    RowProblem.FROZEN_KEPT: _("Frozen account that stays as it is"),
    RowProblem.PASSWORD_NOT_SET: _("Password that isn’t set"),
    RowProblem.USER_ID_RESPELLED: _("User ID read in another spelling"),
    RowProblem.DISOWNED_KEPT: _("Contact data that stays after a report"),
    RowProblem.GROUP_NEW: _("New groups"),
    RowProblem.NOT_IN_FILE: _("People who are not in the file"),
    RowProblem.ANYONE: _("User ID that can’t be read"),
    RowProblem.VALUE_CHANGED: _("Changes"),
}
_FILE_WORDS = {
    FileProblem.UPN_COLUMN_MISSING: _("The file has no column with user IDs (user_principal_name)"),
    FileProblem.UNKNOWN_COLUMNS: _("Unknown columns: %(columns)s. They are ignored."),
    FileProblem.EMPTY: _("The file is empty"),
    FileProblem.EXCEL: _(
        "This Excel file is of an old kind, or has a password. Save it as .xlsx without a password."
    ),
    FileProblem.COLUMN_TWICE: _("Duplicate columns: %(columns)s"),
    FileProblem.TOO_MANY_COLUMNS: _("The file has more than 64 columns"),
    FileProblem.WORKBOOK: _(
        "This Excel file can’t be read. Open it in Excel and save it as .xlsx, or as “CSV UTF-8”."
    ),
    FileProblem.WORKBOOK_TOO_LARGE: _(
        "This Excel file is too large. Save the sheet with the people as “CSV UTF-8”."
    ),
}


def words(reason: Reason, line: int) -> str:
    """A problem of the row in this line, or a notice about it."""
    values: dict[str, str | int] = {"row": line, "column": reason.column, **reason.values}
    if "country" in values:
        locale = Locale.parse(to_locale(get_language() or "en"))
        values["country"] = locale.territories.get(str(values["country"]), values["country"])
    if reason.problem is RowProblem.PASSWORD_LENGTH:
        values["reason"] = gettext("it must have %(low)s to %(high)s characters") % reason.values
    return str(_WORDS[reason.problem]) % values


def kind_words(problem: RowProblem) -> str:
    """What all problems of a kind have in common."""
    return str(_KIND_WORDS[problem])


def words_of_file(problem: FileProblem, columns: Iterable[str] = ()) -> str:
    """A problem of the whole file.

    Args:
        columns: the columns that cause it, if any do.
    """
    return str(_FILE_WORDS[problem]) % {"columns": ", ".join(columns)}


def why_unusable(refused: UnusableFile) -> str:
    return words_of_file(refused.problem, refused.columns)
