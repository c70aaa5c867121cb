"""Every word in every language, and the Korean as the glossary wants it."""

import ast
import re
import shutil
import subprocess
import sys

import pytest
from babel.messages.pofile import read_po

from tenants.predefined_questions import PREDEFINED
from tests.services.environment import BASE, environment

PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
CATALOGUE = BASE / "locale/ko/LC_MESSAGES/django.po"
# Spoken on the phone, where the announcers' register is right.
VOICE = re.compile(
    "number (does|did) not match|Hello. This is|If you did not ask for this call|Thank you"
    "|That was another key|Goodbye"
)
MARKING = {"django.utils.translation", "tenants.policy.texts"}
NAMED_BY_UNDERSCORE = {"gettext", "gettext_lazy", "gettext_noop"}
GLOSSARY = [
    pytest.param("암호(?!화)|패스워드|비밀 번호", id="password is 비밀번호"),
    pytest.param("초기화", id="reset is 재설정"),
    pytest.param("확인 코드|보안 코드", id="verification code is 인증번호"),
    pytest.param("본인인증", id="verify it's you is 본인 확인"),
    pytest.param("대체 (이메일|전자 ?메일)", id="alternate email is 보조 이메일"),
    pytest.param("모바일|회사 ?전화", id="phones are 휴대폰 and 사무실 전화"),
    pytest.param("사인인|인증자", id="sign in is 로그인 and an app is 인증 앱"),
    pytest.param("기억된|브라우저를 기억", id="remembered browsers are 신뢰하는 브라우저"),
    pytest.param("당신|귀하|클릭|에러", id="nobody is talked down to"),
    pytest.param(r"(\)s|\})(을|를|은|는|이|가|과|와|로)[ .]", id="no particle after a name"),
]


PLAIN = [
    pytest.param("(no|some|every)body", id="no one, someone, everyone"),
    pytest.param("who(m|mso|so)?ever", id="the person who does it"),
    pytest.param("proofs?", id="a method, or a second step"),
    pytest.param("mail(s|ed)?|mailbox of", id="an email"),
    pytest.param("begun|began", id="started"),
    pytest.param("another way", id="another method"),
    pytest.param("good for", id="valid for"),
]
# Questions are answered by the words they were asked in.
AS_ASKED = {str(words) for words in PREDEFINED.values()}


def messages():
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="ko")
    return [message for message in catalogue if message.id]


def texts(value):
    return list(value) if isinstance(value, tuple | list) else [value]


def test_nothing_is_left_untranslated_or_doubtful():
    undone = [m.id for m in messages() if m.fuzzy or not all(texts(m.string))]

    assert undone == []


def test_translations_keep_every_placeholder():
    for message in messages():
        wanted = {name for text in texts(message.id) for name in PLACEHOLDER.findall(text)}
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) == wanted, message.id


@pytest.mark.parametrize("pattern", GLOSSARY)
def test_korean_follows_the_glossary(pattern):
    found = [m.string for m in messages() if any(re.search(pattern, t) for t in texts(m.string))]

    assert found == []


@pytest.mark.parametrize("pattern", PLAIN)
def test_english_is_plain(pattern):
    word = re.compile(rf"(?<![-\w])(?:{pattern})(?![-\w])", re.IGNORECASE)
    ids = [text for m in messages() for text in texts(m.id) if text not in AS_ASKED]

    assert [text for text in ids if word.search(text)] == []


def test_announcers_korean_is_for_the_phone_only():
    for message in messages():
        if not VOICE.search(texts(message.id)[0]):
            assert not re.search("십시오", texts(message.string)[0]), message.id


def other_names_for_gettext(tree):
    """Names in a module under which its texts would stay out of the catalogue."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MARKING:
            for one in node.names:
                also = {"_"} if one.name in NAMED_BY_UNDERSCORE else set()
                if "gettext" in one.name and one.asname not in {None, one.name} | also:
                    yield one.asname
        elif isinstance(node, ast.Assign) and "gettext" in getattr(node.value, "id", ""):
            yield ast.unparse(node.targets[0])


def test_texts_are_marked_by_names_that_are_collected():
    modules = [path for path in BASE.rglob("*.py") if path.parts[len(BASE.parts)] != ".venv"]

    found = {
        str(path.relative_to(BASE)): names
        for path in modules
        if (names := [*other_names_for_gettext(ast.parse(path.read_text()))])
    }

    assert found == {}


def test_the_catalogue_knows_every_text_of_the_code_and_no_other(tmp_path):
    copy = tmp_path / "tree"
    left_out = shutil.ignore_patterns(".venv", ".git", "var", "tests", "__pycache__", ".*_cache")
    shutil.copytree(BASE, copy, ignore=left_out)
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "--locale", "ko", "--no-obsolete"],
        cwd=copy,
        env=environment(tmp_path / "var"),
        check=True,
        capture_output=True,
    )
    with (copy / CATALOGUE.relative_to(BASE)).open("rb") as file:
        collected = {str(message.id) for message in read_po(file, locale="ko") if message.id}

    assert collected == {str(message.id) for message in messages()}
