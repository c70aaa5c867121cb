"""Recognises the columns of a file of people by their headers, in English and in Korean. Pure.

Some headers say too little: an "email" may be the user ID or a private address, so the cells below
it decide.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.rules.columns import COLUMNS, READ
from typed.rules import cleaned, folded

_UPN, _MOST_CELLS, _LONGEST_HEADER = COLUMNS[0], 64, 60
_REMARK = re.compile(r"(?<=\S)\s*[(\[\u3010][^)\]\u3011]*[)\]\u3011]\s*\*?\s*$")
_NO_LETTERS = re.compile(r"[\W_]+")
_PERSONAL = re.compile(r"[@\d]")
_ANY_EMAIL, _ANY_LOGIN, _ANY_PHONE, _ANY_NAME = "?email", "?login", "?phone", "?name"
_WORDS = {
    _UPN: "userprincipalname upn signinname 회사이메일 회사메일 사내이메일 사내메일 업무이메일"
    " 업무용이메일 업무메일 workemail companyemail corporateemail businessemail officeemail 계정",
    _ANY_EMAIL: "email emailaddress emailid mail mailaddress 이메일 이메일주소 메일 메일주소"
    " 전자우편 전자메일",
    _ANY_LOGIN: "사번 사원번호 직원번호 아이디 사용자아이디 로그인아이디 로그인id id userid"
    " username login loginid loginname logonname employeeid employeenumber employeeno staffid"
    " staffnumber staffno payrollnumber 학번 교번",
    "display_name": "displayname name fullname employeename staffname 성명 성함 직원명 사원명"
    " 표시이름 한글이름 한글명 한글성명",
    _ANY_NAME: "이름",
    "given_name": "givenname firstname forename",
    "surname": "surname lastname familyname 성 성씨",
    "language": "language lang locale preferredlanguage 언어 사용언어",
    "office_phone": "officephone officetel officenumber workphone worktelephone worktel"
    " businessphone deskphone landline directline directdial 회사전화 회사전화번호 사무실전화"
    " 사무실전화번호 사무실 직통전화 직통번호 유선전화 일반전화",
    "mobile_phone": "mobilephone mobilephonenumber mobile mobileno mobilenumber cell cellphone"
    " cellphonenumber cellular handphone hp 휴대전화 휴대전화번호 휴대폰 휴대폰번호 핸드폰"
    " 핸드폰번호 모바일 이동전화 개인휴대폰 개인휴대전화",
    _ANY_PHONE: "phone phonenumber phoneno telephone telephonenumber tel telno contactnumber"
    " 전화 전화번호 연락처",
    "alternate_email": "alternateemail alternativeemail personalemail privateemail homeemail"
    " secondaryemail recoveryemail 개인이메일 개인메일 보조이메일 대체이메일 비상이메일 외부이메일",
    "groups": "groups group 그룹 그룹명",
    "password": "password initialpassword temporarypassword 비밀번호 초기비밀번호"
    " 임시비밀번호 암호",
    "country": "country countrycode officecountry 국가 국가코드 나라 근무국가",
}
"""What each column is called, as `header_key` writes it.

Departments are no groups: a file's groups replace those that a person is in.
"""
_MEANINGS = {word: column for column, words in _WORDS.items() for word in words.split()}
_FAMILY_NAMES = {"성", "성씨"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What is known of the organisation when a header is read.

    Args:
        domains: its domains.
        remembered: `header_key` → column that an administrator chose before; "" for none.
    """

    domains: frozenset[str] = frozenset()
    remembered: Mapping[str, str] = field(default_factory=dict)


def header_key(header: str) -> str:
    r"""A header as it is compared: without remarks in brackets, signs, blanks and case.

    >>> header_key("Mobile Phone (required) *"), header_key("휴대 전화\n(개인)")
    ('mobilephone', '휴대전화')
    """
    if len(header) > _LONGEST_HEADER:
        return ""
    return _NO_LETTERS.sub("", folded(_REMARK.sub("", cleaned(header))))


def header_name(header: str) -> str:
    """A header as it is written, without what a spreadsheet adds, in lower case."""
    return cleaned(header).removeprefix("'").lower()


def known_headers(cells: Sequence[str], remembered: Mapping[str, str]) -> int:
    """How many different headers of a row are known. A row of data has hardly ever any."""
    keys = {header_key(cell) for cell in cells[:_MOST_CELLS]}
    return len(keys & (_MEANINGS.keys() | remembered.keys()))


def columns_of(
    headers: Sequence[str], rows: Sequence[Sequence[str]], hints: Hints
) -> tuple[str, ...]:
    """The column that each header means, each at most once; "" if the header means none.

    Args:
        rows: some of the rows below.
    """
    keys = [header_key(header) for header in headers]
    meanings = _MEANINGS | {
        "이름": "given_name" if _FAMILY_NAMES & set(keys) else "display_name",
        **hints.remembered,
    }

    def meaning(word: str, meanings: Mapping[str, str] = meanings) -> list[int]:
        return [at for at, key in enumerate(keys) if meanings.get(key) == word]

    exact = {key: header_name(header) for key, header in zip(keys, headers, strict=True)}
    exact |= hints.remembered
    emails, phones = meaning(_ANY_EMAIL), meaning(_ANY_PHONE)
    ours = [at for at in emails if _are_ours(cells_at(rows, at), hints.domains)]
    columns = [""] * len(headers)
    for column, places in (
        *((column, meaning(column, hints.remembered)) for column in READ),
        *((column, meaning(column, exact)) for column in READ),
        *((column, meaning(column)) for column in READ),
        (_UPN, ours),
        ("alternate_email", emails),
        (_UPN, meaning(_ANY_LOGIN)),
        ("mobile_phone", phones),
        ("office_phone", phones),
    ):
        free = [at for at in places if not columns[at]]
        if free and column not in columns:
            columns[free[0]] = column
    return tuple(columns)


def password_places(columns: Sequence[str], headers: Sequence[str]) -> list[int]:
    """Where passwords are in a row, also where an administrator doesn't import them."""
    readings = (columns, columns_of(headers, (), Hints()))
    return [at for names in readings for at, name in enumerate(names) if name == "password"]


def cells_at(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    """The cells below a header that aren't empty."""
    return [row[at].strip() for row in rows if at < len(row) and row[at].strip()]


def domain_for(header: str, cells: Sequence[str], domains: frozenset[str]) -> str:
    """The domain that user IDs without one belong to: the only one, if most have none.

    Not under a header that promises whole user principal names.
    """
    bare = sum("@" not in cell for cell in cells)
    is_login = _MEANINGS.get(header_key(header)) != _UPN
    return min(domains) if is_login and len(domains) == 1 and 2 * bare > len(cells) else ""


def worth_remembering(
    headers: Sequence[str], guessed: Sequence[str], chosen: Sequence[str]
) -> dict[str, str]:
    """`header_key` → column, where an administrator chose another one than was guessed.

    A header that looks like a person's data is left out: the file may have none.
    """
    return {
        key: column
        for header, guess, column in zip(headers, guessed, chosen, strict=True)
        if guess != column and not _PERSONAL.search(header) and (key := header_key(header))
    }


def _are_ours(cells: Sequence[str], domains: frozenset[str]) -> bool:
    """Whether most addresses are in the organisation's own domains."""
    ours = sum(cleaned(cell).lower().rpartition("@")[2] in domains for cell in cells)
    return 2 * ours > len(cells)
