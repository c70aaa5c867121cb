"""What is sent to who is on the telephone with the helpdesk: the only code that is read out."""

from django.utils.translation import gettext as _

from delivery.services import Content
from tenants.queries import short_name
from verification.rules.texts import first_that_fits
from verification.services.letters import Mail, content_of


def caller_text(code: str) -> Content:
    named = {"code": code, "brand": short_name()}
    sentences = [
        _("%(code)s: read it to the %(brand)s helpdesk, only if you called them just now.") % named,
        _("%(code)s: only for the helpdesk you called") % named,
        code,
    ]
    return Content(text=first_that_fits(sentences))


def caller_mail(code: str, *, name: str, time: str) -> Content:
    named = {"brand": short_name(), "name": name, "time": time}
    letter = Mail(
        subject=_("Your code for the %(brand)s helpdesk") % named,
        paragraphs=[
            _("Hello %(name)s,") % named,
            _("Read this code to the helpdesk agent you called:"),
        ],
        code=code,
        after_code=[
            _("It expires at %(time)s and works once.") % named,
            _(
                "If you didn’t just call the helpdesk, someone else is pretending to be you. "
                "Don’t share the code, and tell your IT team."
            ),
        ],
    )
    return content_of(letter)
