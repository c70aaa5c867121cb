import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reset.rules import MAX_MESSAGE
from tests.attacks.test_growth import quickest
from verification.rules.links import without_links

HONEST = [
    "The screen says 10.5 and then 1.2.3, see report.doc",
    "월급.hwp 파일이 안 열립니다. 010-1234-5678로 전화 주세요.",
    "It is e.g. the 3rd floor, i.e. room 3.14, at 9 a.m. or 10.30",
    "Write to kim.minji@mail.example, please: I am minji@contoso.example.",
    "My name is J. Kim and/or Minji; the rate was 10.5/day",
    "error 0x80070005 in C:\\Users\\minji\\report.xlsx?",
    "Waiting... and waiting…",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_words_arrive_as_they_were_written(text):
    assert without_links(text) == text


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.example/click",
        "HTTPS://evil.example",
        "www.evil.example",
        "ftp://evil.example/x",
        "여기http://evil/x",
        "여기www.evil.example",
        "//evil.example/x",
        "\\\\evil.example\\share",
        "evil.example/login",
        "login.evil.example/",
        "evil.example:8443/login",
        "evil.example?next=1",
        "minji@evil.example/login",
        "192.0.2.7/login",
        "evil．example/login",
        "evil。example/login",
        "악당.한국/로그인",
        "evil.xn--3e0b707e/login",
        "(evil.example/login)",
        "report.doc/evil",
        "ms-word:ofe|u|https://evil.example/x.doc",
        "file:evil.example/x",
    ],
)
def test_a_link_is_cut(link):
    left = without_links(f"Look at {link} please")

    assert "…" in left
    assert not re.search(r"evil|악당|192|share", left.replace("minji", ""))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("evil.example", "evil. example"),
        ("login.evil.example", "login. evil. example"),
        ("..evil.example", "..evil. example"),
        ("evil.com:8443", "evil. com:8443"),
        ("@evil.com", "@evil. com"),
        ("evil.xn--3e0b707e", "evil. xn--3e0b707e"),
        ("악당.한국", "악당. 한국"),
        ("evil.example, please", "evil. example, please"),
        ("It is locked.Please help", "It is locked. Please help"),
        ("잠겼습니다.도와주세요", "잠겼습니다. 도와주세요"),
        ("Kim.Minji", "Kim. Minji"),
    ],
)
def test_what_could_be_a_host_is_no_link_and_can_still_be_read(text, left):
    assert without_links(text) == left


@given(st.text(alphabet="ab.@/:-_1 가。", max_size=60))
def test_whatever_is_written_no_host_and_no_scheme_is_left(text):
    left = without_links(text)

    assert not re.search(r"(?<![\w@.+%-])[a-z]+\.[a-z]{2,}(?![\w-])", left)
    assert not re.search(r"[a-z]://", left)


@pytest.mark.parametrize("piece", ["a", "a.", "a.b-", "a@", "1.", "://", "a.a@", "ms-"])
def test_the_longest_message_takes_no_time(piece):
    assert quickest(lambda: without_links(piece * MAX_MESSAGE)) < 0.5
