"""Nonsense at every address, from everybody: no answer is an error of ours, or tells a secret.

`make fuzz` asks ten thousand times each; the test run asks a few.
"""

import os
from http.cookies import SimpleCookie
from io import BytesIO

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.policy import Method, Policy, Questions, Scope
from tenants.services import change_policy
from tests.attacks.test_headers import SIGNS_OUT, addresses
from tests.attacks.visitors import administrator, anonymous
from tests.builders import (
    make_email,
    make_passkey,
    make_phone,
    make_questions,
    make_user,
    signed_in,
)
from tests.captcha import solved
from tests.console.people import behind_both, make_operator
from tests.soft_authenticator import SoftAuthenticator

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
MARKER = "zzsecretzz"
PATHS = [path for path in addresses() if not SIGNS_OUT.search(path)]
FIELDS = [
    "username",
    "password",
    "new_password",
    "confirm_password",
    "code",
    "phone",
    "email",
    "method",
    "reason",
    "question_1",
    "answer_1",
    "credential",
    "name",
    "codes",
    "saved",
    "remember",
    "message",
    "next",
    "return_to",
    "lng",
    "mkt",
    "version",
    "q",
    "state",
    "page",
    "o",
    "file",
    "note",
    "confirm",
    "minutes",
    "once",
    "starts",
    "said",
    "value",
    "columns",
    "logo",
    "colour",
    "text",
    "subject",
    "people",
    "action",
    "csrfmiddlewaretoken",
    "self_service",
    "reset_methods",
    "banned_words",
    "before",
    "attempt",
]
NASTY = [
    *("", "\x00", "\ud800", "\u202e", "\r\nSet-Cookie: a=b", "'", '"', "%", "%00", "{{7*7}}"),
    *("../../etc/passwd", "<script>", "-1", "0", "1e999", "9" * 400, "NaN", "null", "[]", "{}"),
    *("\uff10\uff11", "a" * 70_000, "\u0130" * 300, "@", "a@b", "+82", "#", "//evil.example", "\\"),
]
hostile = st.sampled_from(NASTY) | st.text(max_size=60)
forms = st.dictionaries(
    st.sampled_from(FIELDS), hostile | st.lists(hostile, max_size=3), max_size=6
)
headers = st.dictionaries(
    st.sampled_from(
        ["accept-language", "x-forwarded-for", "x-forwarded-proto", "referer", "origin", "cookie"]
    ),
    st.sampled_from(
        ["", "*", "a" * 5_000, "\x7f", "1, 2, 3", "ko;q=nan", "sessionid=\u00ff", "::1"]
    ),
    max_size=2,
)
bodies = st.sampled_from(
    [
        ("application/json", b'{"a": [1'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name="),
        ("multipart/form-data", b"no boundary"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"username=+AAA-"),
        ("application/x-www-form-urlencoded", b"username=%ff%fe&code=%00&phone=%ed%a0%80"),
        ("text/plain; charset=nonsense", b"\xff\xfe\x00"),
        ("", b"a=b"),
    ]
)


def at_a_gate(user):
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    return client


def operator(_user):
    return behind_both(make_operator())


@pytest.fixture
def user(contoso, mailroom):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            require_registration=False,
            questions=Questions.GATE,
            reset_methods=frozenset(Method)
            - {Method.QUESTIONS, Method.ALTERNATE_TEXT, Method.ALTERNATE_CALL},
        )
    )
    found = make_user()
    make_email(found, f"{MARKER}@mail.example")
    make_phone(found)
    make_questions(found, {f"q0{n}": f"{MARKER} {n}" for n in range(1, 6)})
    make_passkey(found, SoftAuthenticator())
    return found


def sent(value):
    """As a browser would have to encode it; what has no encoding is left out."""
    parts = value if isinstance(value, list) else [value]
    return [part.encode("utf-8", "ignore").decode() for part in parts]


@pytest.mark.parametrize("who", [anonymous, at_a_gate, signed_in, administrator, operator])
def test_nonsense_is_answered_and_nothing_is_told(user, who):
    client = who(user)
    client.raise_request_exception = False
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    answered = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        path=st.sampled_from(PATHS),
        method=st.sampled_from(["get", "post", "post", "put", "head"]),
        form=forms,
        header=headers,
        body=st.none() | bodies,
    )
    def ask(path, method, form, header, body):
        client.cookies = SimpleCookie(cookies)
        if body is not None and method in {"post", "put"}:
            kind, data = body
            page = client.generic(method, path, data, content_type=kind, headers=header)
        elif method in {"get", "head"}:
            page = getattr(client, method)(path, {k: sent(v) for k, v in form.items()})
        else:
            data = {name: sent(value) for name, value in form.items()}
            if "file" in data:
                data["file"] = BytesIO("".join(data["file"]).encode())
            page = client.post(path, data, headers=header)
        assert page.status_code < 500, (page.status_code, path, form, body)
        answered.add(page.status_code)
        text = b"" if page.streaming else page.content
        assert b"Traceback" not in text
        if who is anonymous:
            assert MARKER.encode() not in text

    ask()

    assert 200 in answered
