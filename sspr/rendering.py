"""The renderer of forms."""

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
"""Django's templates that contain only one `input`."""


class HouseRenderer(TemplatesSetting):
    """Forms by `templates/forms/`, and Django's widgets cached or without a template."""

    field_template_name = "forms/field.html"
    form_template_name = "forms/form.html"

    def __init__(self) -> None:
        super().__init__()
        self._templates: dict[str, Any] = {}

    def get_template(self, template_name: str) -> Any:
        """See Django. Cached, since templates don't change in a process."""
        if (template := self._templates.get(template_name)) is None:
            template = self._templates[template_name] = super().get_template(template_name)
        return template

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        """See Django. Its three nested templates for one `input` are slow."""
        if template_name in _INPUTS:
            return _input(context["widget"])
        return super().render(template_name, context, request)


def _input(widget: Mapping[str, Any]) -> SafeString:
    """One `input`, with its attributes in the order of Django's template."""
    attributes = [("type", widget["type"]), ("name", widget["name"])]
    if widget["value"] is not None:
        attributes.append(("value", str(widget["value"])))
    attributes += widget["attrs"].items()
    drawn = "".join(_attribute(name, value) for name, value in attributes)
    # Names and values are escaped in `_attribute`.
    return mark_safe(f"<input{drawn}>")  # noqa: S308  # nosec B308 B703


def _attribute(name: str, value: Any) -> str:
    """Begins with a space. Without a value if it is true, empty if it is false."""
    if value is False:
        return ""
    if value is True:
        return f" {conditional_escape(name)}"
    return f' {conditional_escape(name)}="{conditional_escape(value)}"'
