"""Inputs are drawn without Django's templates, and come out as those would draw them."""

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting

from sspr.rendering import HouseRenderer

WIDGETS = {
    "text": forms.TextInput(attrs={"maxlength": 8, "autofocus": True, "disabled": False}),
    "password": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    "password shown again": forms.PasswordInput(render_value=True),
    "email": forms.EmailInput(),
    "hidden": forms.HiddenInput(),
    "number": forms.NumberInput(attrs={"min": 0}),
    "checkbox": forms.CheckboxInput(),
}
HOSTILE = "\"><script>alert('1')</script>&"


@pytest.mark.parametrize("value", [None, "", 0, 7, True, "kim", HOSTILE])
@pytest.mark.parametrize("widget", WIDGETS.values(), ids=WIDGETS)
def test_an_input_is_what_djangos_templates_make_of_it(widget, value):
    given = ("named", value, {"id": HOSTILE, "aria-describedby": HOSTILE})

    assert widget.render(*given, HouseRenderer()) == widget.render(*given, TemplatesSetting())


@pytest.mark.parametrize("widget", [forms.TextInput(), forms.CheckboxInput()])
def test_markup_in_an_input_stays_text(widget):
    drawn = widget.render(HOSTILE, HOSTILE, {"title": HOSTILE}, HouseRenderer())

    assert drawn.count("<") == drawn.count(">") == 1


def test_other_widgets_are_drawn_by_their_templates():
    drawn = forms.Textarea().render("named", "kim", {}, HouseRenderer())

    assert drawn == forms.Textarea().render("named", "kim", {}, TemplatesSetting())
