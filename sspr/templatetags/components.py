"""The components of all pages. Their templates are in `templates/components/`.

Components that are part of a sentence are simple tags: `{% mask … as masked %}` sets a variable for
`blocktranslate`. Components with a form are inclusion tags, which carry the CSRF token (an
`include … only` would lose it).
"""

from datetime import datetime

import segno
from django import forms, template
from django.forms.boundfield import BoundField
from django.template.base import NodeList, Parser, Token
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from verification import clock
from verification.pages import NO_SCRIPT_FIELD
from verification.views import PAGE_FIELD

register = template.Library()
_WITHOUT_SCRIPT = format_html(
    '<noscript><input type="hidden" name="{}" value="1"></noscript>', NO_SCRIPT_FIELD
)


@register.tag
def per_language(parser: Parser, _token: Token) -> template.Node:
    """Content that is the same on all pages in one language. It is rendered once in each process.

    It can't contain data of the request, the user or the organisation: it has only the variables
    that are set inside of it.
    """
    nodes = parser.parse(("endper_language",))
    parser.delete_first_token()
    return _PerLanguage(nodes)


class _PerLanguage(template.Node):
    child_nodelists = ()

    def __init__(self, nodes: NodeList) -> None:
        self._nodes = nodes
        self._rendered: dict[str, SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        language = get_language() or ""
        if (rendered := self._rendered.get(language)) is None:
            rendered = self._rendered[language] = self._nodes.render(context.new({}))
        return rendered


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: forms.BaseForm | None, *, labelled: bool = False) -> dict[str, object]:
    """The errors of a form, in the order of its fields.

    `base.html` shows it for the `form` of the context; pages need it for other names only.

    Args:
        form: bound or not, or none.
        labelled: puts the label of its field in front of each error, for large forms. A form can
            set this by `labels_problems`.
    """
    if not form:
        return {"problems": []}
    labelled = labelled or getattr(form, "labels_problems", False)
    visible = form.visible_fields()
    first = _target(visible[0]) if visible else ""
    problems = [{"target": first, "text": str(text)} for text in form.non_field_errors()]
    for field in visible:
        for problem in field.errors:
            named = _("%(label)s: %(problem)s") % {"label": field.label, "problem": problem}
            problems.append({"target": _target(field), "text": named if labelled else str(problem)})
    return {"problems": problems}


@register.simple_tag(takes_context=True)
def hidden_fields(context: template.Context) -> SafeString:
    """Whether the browser has script, and the attempt or challenge of the page, if any.

    Every form of these components has them, next to the CSRF token.
    """
    reference = getattr(context.get("request"), "drawn_for", None)
    if reference is None:
        return _WITHOUT_SCRIPT
    return _WITHOUT_SCRIPT + format_html(
        '<input type="hidden" name="{}" value="{}">', PAGE_FIELD, reference
    )


@register.inclusion_tag("components/form.html", takes_context=True)
def the_form(  # noqa: PLR0913  # a form has this many sides, all named
    context: template.Context,
    form: forms.BaseForm,
    *,
    submit: str,
    submit_class: str = "primary",
    action: str = "",
    cancel: str = "",
    heading: bool = False,
    captcha: object = None,
    account: str = "",
) -> dict[str, object]:
    """A whole form with its CSRF token, fields and one button.

    Args:
        form: bound or not.
        submit: the button's text.
        submit_class: "primary", "secondary" or "danger".
        action: an address, if the form isn't sent to its own page.
        cancel: an address; puts a "Cancel" link beside the button.
        heading: the label of a choice is the page's `h1`, its help text the page's lead.
        captcha: the proof of work that is needed to send this form.
        account: the user ID whose password the form sets, for password managers.
    """
    return {
        "request": context.get("request"),
        "form": form,
        "submit": submit,
        "submit_class": submit_class,
        "action": action,
        "cancel": cancel,
        "heading": heading,
        "captcha": captcha,
        "account": account,
    }


@register.inclusion_tag("components/button_form.html", takes_context=True)
def button_form(  # noqa: PLR0913  # a button has this many sides, all named
    context: template.Context,
    action: str,
    label: str,
    *,
    kind: str = "secondary",
    about: str = "",
    name: str = "",
    value: object = "",
) -> dict[str, object]:
    """One button in a form of its own, sent by POST.

    Args:
        action: the address it is sent to.
        label: the button's text.
        kind: "primary", "secondary", "danger" or "quiet" (looks like a link, for rows).
        about: what it changes, for screen readers, where several buttons have the same text.
        name: of a value to send, if any.
        value: the value of `name`.
    """
    return {
        "request": context.get("request"),
        "action": action,
        "label": label,
        "kind": kind,
        "about": about,
        "name": name,
        "value": value,
    }


@register.inclusion_tag("components/session_dialog.html")
def session_dialog(until: datetime, action: str, *, seconds: int = 900) -> dict[str, object]:
    """Offers more time 150 s before `until`; hidden without script.

    Args:
        until: when the session ends.
        action: a POST there extends it; 204 for the script, else a redirect.
        seconds: that one extension gives.
    """
    return {"until": until, "now": timezone.now(), "action": action, "seconds": seconds}


@register.inclusion_tag("components/countdown.html")
def countdown(until: datetime, kind: str = "left", *, done: str = "") -> dict[str, object]:
    """The time left; empty when it is over.

    Args:
        until: when it ends.
        kind: "left" (minutes and seconds left), "resend" or "call" (seconds until a new code or
            call is possible).
        done: the text that the script shows afterwards.
    """
    now = timezone.now()
    left_s = max(0, int((until - now).total_seconds()))
    return {
        "until": timezone.localtime(until).isoformat(),
        "now": timezone.localtime(now).isoformat(),
        "left_s": left_s,
        "minutes": left_s // 60,
        "seconds": left_s % 60,
        "kind": kind,
        "done": done,
    }


@register.inclusion_tag("components/step.html")
def step(n: int, total: int) -> dict[str, int]:
    """The caption above a heading: which step of how many."""
    return {"n": n, "total": total}


@register.inclusion_tag("components/support_code.html")
def support_code(code: str) -> dict[str, SafeString]:
    """The code by which a helpdesk finds the attempt."""
    return {"code": format_html('<bdi translate="no">{}</bdi>', code)}


@register.inclusion_tag("components/big_number.html")
def big_number(number: str) -> dict[str, str]:
    """A number to type on a phone: large, and digit by digit for screen readers."""
    return {"number": number, "spoken": " ".join(number)}


@register.inclusion_tag("components/pairing.html")
def pairing(uri: str, key: str) -> dict[str, str]:
    """The key for an authenticator app, as a picture to scan and as text.

    Args:
        uri: the otpauth address.
        key: in base 32.
    """
    svg = segno.make(uri, error="m").svg_inline(scale=5, border=4, light="#fff", omitsize=False)
    # The library makes it of black and white modules; it contains no text of ours.
    picture = mark_safe(svg)  # noqa: S308  # nosec B308 B703
    fours = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    return {"picture": picture, "key": fours, "uri": uri}


@register.simple_tag
def mask(masked: str, kind: str, sr: str = "") -> SafeString:
    """A masked phone number or address, with words for screen readers.

    Args:
        masked: the result of the masking function.
        kind: "phone" or "email"; decides the words if `sr` is empty.
        sr: other words.
    """
    if not sr and kind == "phone":
        sr = _("phone number ending in %(digits)s") % {"digits": masked[-2:]}
    elif not sr:
        sr = _("email address shown in part: %(masked)s") % {"masked": masked}
    return format_html(
        '<bdi class="mask" aria-hidden="true" translate="no">{}</bdi><span class="vh">{}</span>',
        masked,
        sr,
    )


@register.simple_tag
def account(upn: str) -> SafeString:
    """A user ID in a sentence of any direction and language."""
    return format_html('<bdi translate="no">{}</bdi>', upn)


@register.simple_tag
def when(instant: datetime) -> SafeString:
    """A time of today, or a day and a time, in the time zone in force and with its name."""
    return _timed(instant, clock.when(instant))


@register.simple_tag
def exactly(instant: datetime) -> SafeString:
    """A day and a time to the second, with the name of the zone."""
    return _timed(instant, clock.exactly(instant))


@register.simple_tag
def day(instant: datetime) -> SafeString:
    """A day, where the time doesn't matter."""
    return _timed(instant, clock.day(instant))


def _timed(instant: datetime, words: str) -> SafeString:
    machine_readable = timezone.localtime(instant).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', machine_readable, words)


def _target(field: BoundField) -> str:
    """The id for links to the field; of radio buttons that of the first."""
    return field.id_for_label or f"{field.auto_id}_0"
