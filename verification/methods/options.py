"""A method as users read it where they choose one."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from verification.methods import module_of
from verification.rules.method_options import MethodOption


def option_words(option: MethodOption) -> SafeString:
    """A method as one line to choose, with the masked destination in it."""
    words = _(module_of(option.method).options[option.method])
    return format_html(words, masked=_masked_words(option.masked))


def _masked_words(masked: str) -> SafeString:
    """A masked number or address: as dots for the eye, as words for the ear."""
    if not masked:
        return SafeString("")
    spoken = (
        _("email address shown in part: %(masked)s") % {"masked": masked.replace("•", "*")}
        if "@" in masked
        else _("phone number ending in %(digits)s") % {"digits": masked[-2:]}
    )
    return format_html(
        '<bdi class="mask" aria-hidden="true">{}</bdi><span class="vh">{}</span>', masked, spoken
    )
