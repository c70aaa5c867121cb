"""One look: tokens and components are written once, and all that is written is used."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib import admin
from PIL.ImageColor import colormap

from tests.services.environment import BASE

SHEETS = {path.name: path.read_text() for path in sorted(BASE.glob("static/css/*.css"))}
TEMPLATES = {
    str(path.relative_to(BASE / "templates")): path.read_text()
    for path in sorted(BASE.glob("templates/**/*"))
    if path.is_file()
}
# The one of Django's templates that ours stand in.
SHELL = Path(admin.__file__).with_name("templates") / "admin/base.html"
SCRIPTS = [path.read_text() for path in sorted(BASE.glob("static/js/*.js"))]
TOKENS = "app.css"
COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix)\("
    rf"|(?<![-\w])(?:{'|'.join(colormap)})(?![-\w])",
    re.IGNORECASE,
)
ONLY_TOKENS = ("radius", "font-family")
# Names that Django looks up by itself.
LOOKED_UP = {
    "400.html",
    "403.html",
    "403_csrf.html",
    "404.html",
    "500.html",
    "admin/base_site.html",
}
# `primary` marks the main button of a page for scripts and readers of the source; every button
# looks like it unless it says otherwise.
WITHOUT_A_LOOK = {"primary"}


@dataclass(frozen=True, slots=True)
class Rule:
    sheet: str
    around: str
    selector: str
    declarations: tuple[tuple[str, str], ...]

    @property
    def is_of_tokens(self):
        return self.selector == ":root"


def split(text, separator):
    """Parts of a text, where separators in brackets don't count."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == separator and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def rules(sheet, css, around=""):
    """Every selector of a sheet with what it declares. A list of selectors is several rules."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"@import[^;]+;", "", css)
    start = 0
    while (opened := css.find("{", start)) >= 0:
        prelude, depth, at = css[start:opened].strip(), 1, opened
        while depth:
            at += 1
            depth += (css[at] == "{") - (css[at] == "}")
        body, start = css[opened + 1 : at], at + 1
        if prelude.startswith("@"):
            yield from rules(sheet, body, prelude)
            continue
        pairs = [declaration.split(":", 1) for declaration in split(body, ";")]
        declared = tuple((name.strip(), value.strip()) for name, value in pairs)
        for selector in split(prelude, ","):
            yield Rule(sheet, around, selector, declared)


RULES = [rule for sheet, css in SHEETS.items() for rule in rules(sheet, css)]


def classes(selector):
    return set(re.findall(r"\.([A-Za-z][\w-]*)", selector))


def subject(selector):
    """What a selector is about: its last part, without conditions on what is in it or beside it."""
    return re.split(r"[\s>+~]", re.sub(r":(?:not|has|where)\([^)]*\)", "", selector))[-1]


@pytest.mark.parametrize(
    ("value", "is_colour"),
    [
        ("1px solid #abc", True),
        ("RGB(0 0 0/.5)", True),
        ("white", True),
        ("var(--white)", False),
        ("1px solid currentcolor", False),
        ("transparent", False),
    ],
)
def test_what_counts_as_a_colour(value, is_colour):
    assert bool(COLOUR.search(value)) is is_colour


def test_rules_are_read_from_a_sheet():
    css = "/* a{} */.a,.b:is(p,li){x:url(;);y:1}@media print{.c>.d{z:2}}"

    assert list(rules("a.css", css)) == [
        Rule("a.css", "", ".a", (("x", "url(;)"), ("y", "1"))),
        Rule("a.css", "", ".b:is(p,li)", (("x", "url(;)"), ("y", "1"))),
        Rule("a.css", "@media print", ".c>.d", (("z", "2"),)),
    ]
    assert subject(".c>.d:not(.e)") == ".d"


def test_colours_radii_and_fonts_are_tokens():
    wrong = [
        f"{rule.sheet} {rule.selector} {name}: {value}"
        for rule in RULES
        if not (rule.sheet == TOKENS and rule.is_of_tokens)
        for name, value in rule.declarations
        if COLOUR.search(value) or (name.endswith(ONLY_TOKENS) and not value.startswith("var("))
    ]

    assert wrong == []


def test_a_token_is_declared_once_and_used():
    declared = Counter(
        (rule.sheet, rule.around, name)
        for rule in RULES
        for name, _value in rule.declarations
        if name.startswith("--")
    )
    ours = {name for (sheet, _around, name) in declared if sheet == TOKENS}
    light = {name for (sheet, around, name) in declared if sheet == TOKENS and not around}
    used = {name for css in SHEETS.values() for name in re.findall(r"var\((--[\w-]+)", css)}

    assert [token for token, times in declared.items() if times > 1] == []
    assert ours == light
    assert [sheet for (sheet, _around, name) in declared if name in ours and sheet != TOKENS] == []
    assert used == ours


def test_a_component_is_styled_in_one_sheet():
    sheets = {}
    for rule in RULES:
        if not rule.is_of_tokens:
            about = classes(subject(rule.selector))
            for name in {f".{one}" for one in about} | {rule.selector}:
                sheets.setdefault(name, set()).add(rule.sheet)

    assert {name for name, where in sheets.items() if len(where) > 1} == set()


def test_no_property_of_a_selector_is_declared_twice():
    times = Counter(
        (rule.sheet, rule.around, rule.selector, name)
        for rule in RULES
        for name, _value in rule.declarations
    )

    assert [declared for declared, count in times.items() if count > 1] == []


def modules():
    for path in BASE.rglob("*.py"):
        if path.relative_to(BASE).parts[0] not in {".venv", "tests", "bench", "var"}:
            yield ast.parse(path.read_text())


def strings():
    """Every text in the code; `{}` where another value is put in."""
    for tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value if isinstance(part, ast.Constant) else "{}" for part in node.values
                )


CODE = set(strings())


def test_every_class_of_a_sheet_is_on_a_page():
    quoted = [*re.findall(r"\"[^\"]*\"|'[^']*'", "\n".join([*TEMPLATES.values(), *SCRIPTS])), *CODE]
    quoted += re.findall(r'class="[^"]*"', SHELL.read_text())
    quoted += re.findall(r"{% block main_class %}(.*?){%", "\n".join(TEMPLATES.values()))
    words = {word for text in quoted for word in re.findall(r"[A-Za-z][\w-]*", text)}

    assert {name for rule in RULES for name in classes(rule.selector)} - words == set()


def test_every_class_of_a_page_has_a_look():
    styled = {name for rule in RULES for name in classes(rule.selector)}
    plain = re.compile(r"{[{%].*?[}%]}")
    worn = {
        name
        for text in TEMPLATES.values()
        for value in re.findall(r'\bclass="([^"]*)"', text)
        for name in plain.sub(" ", value).split()
    }

    assert worn - styled - WITHOUT_A_LOOK == set()


def test_every_template_is_used():
    text = "\n".join(TEMPLATES.values())
    named = {name for name in TEMPLATES if name in CODE or f'"{name}"' in text}
    patterns = [
        re.compile(re.escape(one).replace(r"\{\}", "[^/]+"))
        for one in CODE
        if "{}" in one and one.endswith(".html")
    ]
    built = {name for name in TEMPLATES if any(p.fullmatch(name) for p in patterns)}
    articles = {name for name in TEMPLATES if name.startswith("help/")}

    assert set(TEMPLATES) - named - built - articles - LOOKED_UP == set()
