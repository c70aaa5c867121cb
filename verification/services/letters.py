"""How every mail of the service is laid out: text first, and the same words as HTML."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from delivery.services import Content
from tenants.branding import light
from tenants.queries import branding_in_force, display_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What a mail says. `quote` is what a person wrote: shown as theirs, never in the subject.

    Args:
        button: what the link to `url` is called.
    """

    subject: str
    paragraphs: Sequence[str]
    code: str = ""
    after_code: Sequence[str] = ()
    quote: str = ""
    button: str = ""
    url: str = ""
    footer: Sequence[str] = ()


def content_of(letter: Mail) -> Content:
    """The letter in the language in force, sent for the organisation in force."""
    signed = _("Sent by %(tenant)s’s password service") % {"tenant": display_name()}
    context: dict[str, object] = {**asdict(letter), "footer": [*letter.footer, signed]}
    context["language"] = get_language()
    colour = branding_in_force().colour
    context["colour"] = light(colour).brand if colour else ""
    return Content(
        subject=_in_a_header(letter.subject),
        text=render_to_string("email/letter.txt", context),
        html=render_to_string("email/letter.html", context),
        sender_name=_in_a_header(display_name()),
    )


def _in_a_header(text: str) -> str:
    """A header is one line, whatever stands in the names it is made of."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def support_line(support_code: str) -> list[str]:
    """The footer's line with a support code, if there is one."""
    if not support_code:
        return []
    return [_("Support code: %(code)s") % {"code": f"{support_code[:4]}-{support_code[4:]}"}]
