"""Whole numbers within a range, and what is said about others."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _


def range_errors(low: int, high: int) -> dict[str, str]:
    """Error messages of an `IntegerField`: whatever was wrong, the words say what fits."""
    words = _("Enter a whole number from %(low)s to %(high)s.")
    named = {"low": number_format(low), "high": number_format(high)}
    return dict.fromkeys(("required", "invalid", "min_value", "max_value"), words % named)
