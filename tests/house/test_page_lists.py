"""No module has a list of pages: views have marks.

The marks are in `verification/marks.py`.

Tables that lead from a method to its page aren't lists of pages, nor is the admin's navigation,
which has one page in a row.
"""

import ast

import pytest
from django.urls import get_resolver

from tests.house.layout import sources


def pages(resolver=None, route="/", namespace=""):
    """Route and name of every view that has an address."""
    for pattern in (resolver or get_resolver()).url_patterns:
        below = f"{route}{pattern.pattern}"
        if hasattr(pattern, "url_patterns"):
            yield from pages(pattern, below, f"{pattern.namespace}:" if pattern.namespace else "")
        else:
            yield below, f"{namespace}{pattern.name}"


ROUTES = [route for route, _name in pages()]
NAMES = {name for _route, name in pages() if ":" in name}


SHOWN_IN_A_TERMINAL = {"sspr/run.py"}
"""Says where to begin when the service has started."""


def is_page(node):
    """Whether it spells the name of a page, or an address or its beginning."""
    text = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(text, str):
        return False
    is_address = len(text) > 1 and any(route.startswith(text) for route in ROUTES)
    return text in NAMES or (text.startswith("/") and is_address)


def lists_of_pages(text):
    """Lines of collections that spell two pages or more."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Set | ast.List | ast.Tuple)
        and sum(is_page(element) for element in node.elts) > 1
    ]


def test_no_module_has_a_list_of_pages():
    found = {path for path, text in sources().items() if lists_of_pages(text)}

    assert found == SHOWN_IN_A_TERMINAL


@pytest.mark.parametrize(
    "line",
    [
        'OPEN = {"registration:signout", "account:change-password"}',
        'OPEN = ("/ssprsetup", "/security-info")',
        'OPEN = ["/brand/", "/signout"]',
        'frozenset({"registration:signout", "reset:identify"})',
    ],
)
def test_a_list_of_pages_is_seen(line):
    assert lists_of_pages(line) == [1]


@pytest.mark.parametrize(
    "line",
    ['reverse("reset:identify")', 'PAGES = {Factor.EMAIL: "registration:email"}', '("a/", "b/")'],
)
def test_one_page_and_a_table_by_method_are_no_list(line):
    assert lists_of_pages(line) == []
