"""The help answers in both languages alike, and every error page leads to its answer."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from isolation.scope import in_tenant
from reset.models import ResetAttempt
from reset.refusals import Refusal
from sspr.pages import ARTICLES
from tenants.models import Branding
from tests.builders import PASSWORD, make_user
from tests.captcha import solved
from tests.house.test_languages import CATALOGUE, GLOSSARY
from tests.pages import without_random
from tests.services.environment import BASE

PAGES = ["/help", *(f"/help/{article}" for article in ARTICLES)]
LANGUAGES = [code for code, _name in settings.LANGUAGES]
ERROR_PAGES = ["400.html", "403.html", "403_csrf.html", "404.html", "500.html", "503.html"]
ERRORS = "/help/errors"
FRAME = {"html", "head", "meta", "title", "link", "script"}


class Outline(HTMLParser):
    """What a page is made of: its tags with their anchors and links, and the words in bold."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.bold, self._open = [], [], [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self._open = tag
        if tag not in FRAME:
            self.tags.append((tag, named.get("id"), named.get("href")))
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if tag == "a" else []

    def handle_data(self, data):
        if self._open == "b":
            self.bold.append(data)
        self._open = ""


def article(client, path, language):
    """The part of the page that is written once for each language."""
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    text = client.get(path).text
    return text[text.index("<main") : text.index("</main>")]


def catalogue():
    with CATALOGUE.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale="ko") if m.id}


@pytest.mark.parametrize("path", PAGES)
def test_an_article_has_the_same_parts_in_every_language(client, db, path):
    english, *others = [Outline(article(client, path, code)).tags for code in LANGUAGES]

    assert "h1" in {tag for tag, _id, _href in english}
    assert all(other == english for other in others)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_an_article_leads_somewhere(client, db, path, language):
    for link in Outline(article(client, path, language)).links:
        target = urlsplit(link)
        page = client.get(target.path or path, follow=True)
        assert page.status_code == 200, link
        assert not target.fragment or target.fragment in Outline(page.text).ids, link


def test_every_template_of_one_language_is_there_in_the_others():
    written = [{p.name for p in (BASE / "templates/help" / c).iterdir()} for c in LANGUAGES]

    assert written[0] == {"contents.html", *(f"{name}.html" for name in ARTICLES)}
    assert all(names == written[0] for names in written)


@pytest.mark.parametrize("path", PAGES)
def test_words_in_bold_are_words_on_the_screen(client, db, path):
    words = catalogue()
    english = Outline(article(client, path, "en")).bold
    korean = Outline(article(client, path, "ko")).bold

    assert set(english) <= set(words)
    assert [words[text] for text in english] == korean


@pytest.mark.parametrize("pattern", GLOSSARY)
def test_the_korean_of_the_help_follows_the_glossary(pattern):
    texts = [path.read_text() for path in (BASE / "templates/help/ko").iterdir()]

    assert [
        re.findall(f".*(?:{pattern}).*", text) for text in texts if re.search(pattern, text)
    ] == []


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_its_answer(client, db, refusal, language):
    assert refusal.value in Outline(article(client, ERRORS, language)).ids


@pytest.mark.parametrize("name", ERROR_PAGES)
def test_every_error_page_leads_to_its_answer(client, db, name):
    answers = Outline(article(client, ERRORS, "en")).ids

    links = Outline(render_to_string(name)).links

    leading = {link.partition("#")[2] for link in links if link.startswith(f"{ERRORS}#")}
    assert len(leading) == 1
    assert leading <= set(answers)


@pytest.mark.parametrize("refusal", sorted(set(Refusal) - {Refusal.PASSWORD_REJECTED}))
def test_every_refusal_page_leads_to_its_answer(db, refusal):
    request = RequestFactory().get("/passwordreset/ended")
    attempt = ResetAttempt(tenant_id=1, started_at=timezone.now())
    context = {"refusal": refusal, "attempt": attempt}

    page = render_to_string(f"reset/refusals/{refusal}.html", context, request)

    assert f"{ERRORS}#{refusal}" in Outline(page).links


def test_a_password_that_is_refused_leads_to_its_answer(client, contoso):
    make_user("ann@contoso.example")
    client.post("/signin", {"username": "ann@contoso.example", "password": PASSWORD})

    page = client.post("/changepassword", {"password": PASSWORD, "new_password": "short"})

    assert f"{ERRORS}#R06" in Outline(page.text).links
    assert f"{ERRORS}#R06" not in Outline(client.get("/changepassword").text).links


@pytest.mark.parametrize("path", ["/", "/signin", "/passwordreset", "/no-such-page"])
def test_help_is_one_link_away(client, db, path):
    assert "/help" in Outline(client.get(path).text).links


def test_there_is_no_article_of_another_name(client, db):
    for name in ("contents", "nothing", "article", "../home"):
        assert client.get(f"/help/{name}").status_code == 404


def test_nobody_is_told_how_another_organisation_helps(client, hanbit):
    """Neither before a sign-in nor from the user ID of a running reset."""
    with in_tenant(hanbit.pk):
        Branding.objects.create(help_texts={"en": "Call extension 4711", "ko": "내선 4711"})
        make_user("ann@hanbit.example")
    client.post("/passwordreset", solved({"username": "ann@hanbit.example"}))
    before = client.get("/help/reset").text

    client.post("/signin", {"username": "ann@hanbit.example", "password": PASSWORD})
    after = client.get("/help/reset").text

    assert "4711" not in without_random(before)
    assert hanbit.name not in before
    assert "4711" in after
