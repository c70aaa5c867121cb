"""Logo, colours, names and help of an organisation."""

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from console.forms.branding import BrandingForm
from console.services import branding as services
from console.views.frame import page, shown
from console.views.uploads import Bounded
from directory.models import User
from tenants.branding import dark, light
from tenants.models import Branding
from tenants.queries import branding_in_force, tenant_in_force
from tenants.roles import Permission
from verification.marks import takes_files

_NOT_A_LOGO = gettext_lazy("Use a PNG, JPEG, WebP or GIF picture of up to 1 MB.")


@takes_files
@csrf_exempt  # `_branding` checks, once it's said what may be sent.
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.SET_POLICY)
def branding(request: HttpRequest, user: User) -> HttpResponseBase:
    # A little more than may be used, so that the form and not the handler says what is wrong.
    handler = Bounded(request, most_bytes=2 * services.MOST_BYTES)
    request.upload_handlers = [handler]
    return _branding(request, user, handler)


@csrf_protect
def _branding(request: HttpRequest, user: User, handler: Bounded) -> HttpResponse:
    look = branding_in_force()
    form = BrandingForm(
        request.POST or None,
        request.FILES or None,
        initial=_initial(look),
        country=tenant_in_force().country,
    )
    if handler.exceeded:
        form.add_error("logo", _NOT_A_LOGO)
    elif form.is_valid() and _is_changed(user, form):
        messages.success(request, _("Branding saved."))
        return redirect("console:branding")
    context: dict[str, object] = {"title": _("Branding and texts"), "form": form, "look": look}
    if look.colour:
        context["palettes"] = [
            (_("On light pages"), light(look.colour)),
            (_("On dark pages"), dark(look.colour)),
        ]
    if look.pk and look.has_logo:
        context["logo_url"] = reverse("brand-logo", args=[look.public_id, look.edition])
    return shown(request, "console/branding/branding.html", context)


def _is_changed(user: User, form: BrandingForm) -> bool:
    typed = form.cleaned_data
    try:
        logo = services.redrawn(typed["logo"].file) if typed["logo"] else None
    except services.NotAPicture:
        form.add_error("logo", _NOT_A_LOGO)
        return False
    look = services.Look(
        colour=typed["colour"],
        names=form.texts("name"),
        help_texts=form.texts("help"),
        help_phone=typed["help_phone"],
        help_url=typed["help_url"],
        portal_host=typed["portal_host"],
        logo=b"" if typed["without_logo"] else logo,
    )
    try:
        services.change_look(user, look)
    except (IntegrityError, services.HostTaken):
        # One answer for both: nobody learns here which domains there are.
        form.add_error("portal_host", _("This host name is taken."))
        return False
    return True


def _initial(look: Branding) -> dict[str, str]:
    return {
        "colour": look.colour,
        "name_en": look.names.get("en", ""),
        "name_ko": look.names.get("ko", ""),
        "help_en": look.help_texts.get("en", ""),
        "help_ko": look.help_texts.get("ko", ""),
        "help_phone": look.help_phone,
        "help_url": look.help_url,
        "portal_host": look.portal_host or "",
    }
