"""How forms are drawn."""

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

_INPUTS = {
    f"django/forms/widgets/{kind}.html"
    for kind in ("checkbox", "email", "hidden", "number", "password", "text")
}
"""Django's templates that draw one `input` and nothing else."""


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

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        """See Django. Its three nested templates for one `input` cost more than all else of it."""
        if template_name in _INPUTS:
            return _input(context["widget"])
        return super().render(template_name, context, request)


def _input(widget: Mapping[str, Any]) -> SafeString:
    """One `input`, with the attributes in the order in which Django's template has them."""
    attributes = [("type", widget["type"]), ("name", widget["name"])]
    if widget["value"] is not None:
        attributes.append(("value", str(widget["value"])))
    attributes += widget["attrs"].items()
    drawn = "".join(_attribute(name, value) for name, value in attributes)
    # Names and values are escaped in `_attribute`.
    return mark_safe(f"<input{drawn}>")  # noqa: S308  # nosec B308 B703


def _attribute(name: str, value: Any) -> str:
    """With a space before it; without a value if that is true, and nothing if it is false."""
    if value is False:
        return ""
    if value is True:
        return f" {conditional_escape(name)}"
    return f' {conditional_escape(name)}="{conditional_escape(value)}"'
