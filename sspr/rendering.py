"""How forms are drawn."""

from django.forms.renderers import TemplatesSetting


class HouseRenderer(TemplatesSetting):
    """Forms as in `templates/forms/`; plain Django widgets get their looks from there, too."""

    field_template_name = "forms/field.html"
    form_template_name = "forms/form.html"
