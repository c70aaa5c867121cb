"""How forms are drawn, and what every page knows without asking."""

from django.conf import settings
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest


class HouseRenderer(TemplatesSetting):
    """Forms as in `templates/forms/`; plain Django widgets get their looks from there, too."""

    field_template_name = "forms/field.html"
    form_template_name = "forms/form.html"


def shell(request: HttpRequest) -> dict[str, object]:
    """What the frame of every page shows besides the page."""
    return {"brand": getattr(request, "brand", ""), "demo": settings.DEMO}
