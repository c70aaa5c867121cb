"""Pages that are rendered once for each language don't depend on the user."""

from django.template import Context, Template
from django.utils import translation

TWICE = Template(
    "{% load components i18n %}"
    "{% per_language %}{% translate 'Help' %}{{ user }}{% url 'help' %}{% endper_language %}"
)


def drawn(language, user):
    with translation.override(language):
        return TWICE.render(Context({"user": user}))


def test_nothing_of_the_first_request_is_on_a_later_page():
    first, second = drawn("en", "minji"), drawn("en", "jisoo")

    assert first == second == "Help/help"


def test_each_language_has_its_own_words():
    assert [drawn(language, "") for language in ("en", "ko", "en")] == [
        "Help/help",
        "도움말/help",
        "Help/help",
    ]
