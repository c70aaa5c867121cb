"""Tables on a phone: every row a block, every value with the name of its column before it."""

from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.builders import make_email, make_user
from tests.console.people import behind_both, make_admin

FILE = b"user_principal_name\nnew@contoso.example\n"


class Tables(HTMLParser):
    """The tables that become blocks: their headings, and the labels of each row of values."""

    def __init__(self, page):
        super().__init__()
        self.headings, self.rows = [], []
        self._is_in, self._heading, self._is_hidden = False, None, False
        self.feed(page.text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "table":
            self._is_in = "stacked" in (named.get("class") or "")
        if not self._is_in:
            return
        if tag == "tr":
            self.rows.append([])
        elif tag == "th" and named.get("scope") == "col":
            self._heading, self._is_hidden = "", False
        elif tag in {"td", "th"}:
            self.rows[-1].append(named.get("data-label", ""))
        elif tag == "span" and named.get("class") == "vh":
            self._is_hidden = True

    def handle_data(self, text):
        if self._heading is not None:
            self._heading += text

    def handle_endtag(self, tag):
        if tag == "th" and self._heading is not None:
            self.headings.append("" if self._is_hidden else self._heading.strip())
            self._heading = None


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "path", ["people/", "people/{person}/", "administrators/", "imports/", "audit/", "questions/"]
)
def test_every_value_says_which_column_it_is_of(contoso, path, language):
    person = make_user()
    make_email(person)
    client = behind_both(make_admin())
    make_admin("other@contoso.example")

    client.post("/admin/imports/upload/", {"file": SimpleUploadedFile("people.csv", FILE)})
    page = client.get(f"/admin/{path.format(person=person.pk)}", {"lng": language}, follow=True)
    found = Tables(page)

    rows = [row for row in found.rows if row]
    assert len(found.headings) >= 4
    assert rows
    for row in rows:
        # What names the row needs no name, nor does what has a hidden heading.
        named = [label for label in row if label]
        first = next(i for i, heading in enumerate(found.headings) if heading)
        assert named == [heading for heading in found.headings[first + 1 :] if heading]
