"""How forms are drawn."""

from typing import Any

from django.forms.renderers import TemplatesSetting


class HouseRenderer(TemplatesSetting):
    """Forms as in `templates/forms/`; plain Django widgets get their looks from there, too."""

    field_template_name = "forms/field.html"
    form_template_name = "forms/form.html"

    def __init__(self) -> None:
        super().__init__()
        self._templates: dict[str, Any] = {}

    def get_template(self, template_name: str) -> Any:
        """See Django. There is one renderer for the process, and templates don't change in it."""
        if (template := self._templates.get(template_name)) is None:
            template = self._templates[template_name] = super().get_template(template_name)
        return template
