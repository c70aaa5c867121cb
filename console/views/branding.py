"""Logo, colours, names and help of an organisation."""

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from console.forms.branding import NOT_A_LOGO, BrandingForm
from console.views.frame import FORM, page, shown
from console.views.uploads import BoundedUpload, takes_file
from directory.models import User
from tenants.branding import dark, light
from tenants.queries import branding_in_force, tenant_in_force
from tenants.roles import Permission
from tenants.services.branding import MAX_LOGO_BYTES, HostTaken, change_branding


# A little more than may be used, so that the form and not the handler says what is wrong.
@page(Permission.SET_POLICY, FORM)
@takes_file(lambda: 2 * MAX_LOGO_BYTES)
def branding(request: HttpRequest, admin: User, handler: BoundedUpload) -> HttpResponse:
    look, country = branding_in_force(), tenant_in_force().country
    form = BrandingForm(request.POST or None, request.FILES or None, branding=look, country=country)
    if handler.exceeded:
        form.add_error("logo", NOT_A_LOGO)
    elif form.is_valid():
        try:
            change_branding(form.look(), actor_id=admin.pk)
        except (IntegrityError, HostTaken):
            # One answer for both, so that it doesn't tell which domains there are.
            form.add_error("portal_host", _("This host name is taken."))
        else:
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
