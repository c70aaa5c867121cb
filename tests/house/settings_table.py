"""Writes `docs/settings.md` and `docs/settings.ko.md`: every setting, from its declaration.

python -m tests.house.settings_table
"""

from collections.abc import Callable, Iterator

from babel.messages.pofile import read_po

from tenants.policy import all_settings
from tenants.policy.declaration import Section, Setting, TextKind
from tenants.policy.texts import Phrase
from tenants.policy.values import plain, written
from tests.services.environment import BASE

PAGES = {"en": BASE / "docs/settings.md", "ko": BASE / "docs/settings.ko.md"}
_CATALOGUE = BASE / "locale/ko/LC_MESSAGES/django.po"
_INTRODUCTION = {
    "en": """\
# Settings of a policy

[한국어](settings.ko.md). Written by `python -m tests.house.settings_table` from the declarations in
`tenants/policy/settings.py`; a test fails when this page says something else. Don't edit it.

Administrators change them at `/admin/policy/`, operators by `set_policy` and `import_policy`, under
the name below the label. Several values are a list in a file, and have commas between them in a
command.
""",
    "ko": """\
# 정책 설정

[English](settings.md). `tenants/policy/settings.py`의 선언에서
`python -m tests.house.settings_table` 명령으로 만든 문서입니다. 내용이 다르면 테스트가 실패하므로
직접 수정하지 마세요.

조직 관리자는 `/admin/policy/` 페이지에서, 서비스 운영자는 `set_policy` 명령과 `import_policy`
명령으로 변경합니다. 명령과 파일에서는 설정 아래에 적힌 이름을 사용합니다. 값이 여러 개이면
파일에서는 목록으로, 명령에서는 쉼표로 구분해 적습니다.
""",
}
_HEADINGS = {
    "en": "| Setting | Values | Default | What it does |",
    "ko": "| 설정 | 값 | 기본값 | 설명 |",
}
_KINDS = {
    "en": {
        TextKind.WORDS: "words",
        TextKind.COUNTRIES: "ISO codes",
        TextKind.HOSTS: "host names",
        TextKind.GROUPS: "names of groups",
    },
    "ko": {
        TextKind.WORDS: "단어",
        TextKind.COUNTRIES: "ISO 국가 코드",
        TextKind.HOSTS: "호스트 이름",
        TextKind.GROUPS: "그룹 이름",
    },
}
_TEXT = {"en": "a text", "ko": "텍스트"}


def translation(language: str) -> Callable[[Phrase], str]:
    """What says a text in the language, as the catalogue has it."""
    if language == "en":
        return lambda phrase: phrase.msgid
    with _CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale=language)

    def said(phrase: Phrase) -> str:
        message = catalogue.get(phrase.msgid, phrase.context or None)
        assert message is not None
        return str(message.string)

    return said


def page(language: str) -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION[language], *_sections(language)])


def _sections(language: str) -> Iterator[str]:
    said = translation(language)
    for section in Section:
        yield f"## {said(section.label)}\n"
        yield _HEADINGS[language]
        yield "|---|---|---|---|"
        for setting in all_settings().values():
            if setting.section is section:
                default = written(plain(setting.default))
                cells = [
                    f"{said(setting.label)}<br>`{setting.name}`",
                    _values(setting, language, said),
                    f"`{default}`" if default else "–",
                    said(setting.help_text),
                ]
                yield f"| {' | '.join(cells)} |"
        yield ""


def _values(setting: Setting, language: str, said: Callable[[Phrase], str]) -> str:
    if setting.choices:
        offered = setting.choices if setting.offered is None else setting.offered
        named = [f"`{one.value}` {said(one.label)}" for one in setting.choices if one in offered]
        return "<br>".join(named)
    if setting.item is bool:
        return "`yes`, `no`"
    if setting.between:
        low, high = setting.between
        return f"{low:,}–{high:,}"
    return _KINDS[language][setting.kind] if setting.is_several else _TEXT[language]


if __name__ == "__main__":
    for language, path in PAGES.items():
        path.write_text(page(language))
