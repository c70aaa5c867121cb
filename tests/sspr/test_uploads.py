import io
import tempfile

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.captcha import solved
from tests.console.people import behind_both, make_admin


def test_a_file_that_nobody_asked_for_is_never_written(db, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    written = []
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda *a, **k: written.append(a))
    file = SimpleUploadedFile("big.bin", b"x" * 3_000_000)

    answer = Client().post("/signin", {"username": "a", "password": "b", "file": file})

    assert answer.status_code == 200
    assert not written
    assert not list(tmp_path.iterdir())


def test_fields_beside_such_a_file_still_count(db):
    file = io.BytesIO(b"x" * 100)
    file.name = "x.bin"

    page = Client().post(
        "/passwordreset", solved({"username": "nobody@nowhere.example", "file": file})
    )

    assert page.status_code == 302


def test_a_page_that_takes_files_still_checks_where_the_request_comes_from(contoso):
    client = behind_both(make_admin())
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies

    for path in ("/admin/branding/", "/admin/imports/upload/"):
        assert strict.post(path, {"colour": "#112233"}).status_code == 403
