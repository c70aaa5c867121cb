"""How Active Directory and Samba AD write passwords, times, ids, flags and errors. Plain Python."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from enum import IntEnum, IntFlag
from uuid import UUID

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER = 0x7FFF_FFFF_FFFF_FFFF
_TICKS_PER_MICROSECOND = 10
_BIND_ERROR = re.compile(r"\bdata ([0-9a-f]{1,8})\b", re.IGNORECASE)
_ERROR = re.compile(r"\s*([0-9a-f]{8}):", re.IGNORECASE)
_BUILTIN_DOMAIN = "S-1-5-32"
_DOMAIN = re.compile(r"S-1-5-21-\d+-\d+-\d+")
_PRIVILEGED_BUILTIN = frozenset({544, 548, 549, 550, 551, 552})
"""Administrators, the Account, Server, Print and Backup Operators, the Replicators."""
_PRIVILEGED_IN_DOMAIN = frozenset({498, 500, 502, 512, 516, 518, 519, 520, 521, 526, 527})
"""Administrator, krbtgt; Domain, Schema and Enterprise Admins; domain controllers of all kinds;
the owners of group policies; the Key Admins of domain and forest."""
_NAME_PARTS = re.compile(r"[,.\-_ #\t]+")
_SHORTEST_NAME_PART = 3
_SPECIAL = frozenset("~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/")


class AccountFlags(IntFlag):
    """`userAccountControl`, and `msDS-User-Account-Control-Computed` for the last two.

    Source: MS-ADTS 2.2.16 and MS-ADTS 3.1.1.4.5.17.
    """

    DISABLED = 0x2
    LOCKED = 0x10
    """Says nothing in `userAccountControl`."""
    NORMAL_ACCOUNT = 0x200
    INTERDOMAIN_TRUST = 0x800
    WORKSTATION = 0x1000
    DOMAIN_CONTROLLER = 0x2000
    PASSWORD_NEVER_EXPIRES = 0x10000
    PASSWORD_EXPIRED = 0x800000

    @property
    def is_person(self) -> bool:
        """Whether it is an account of a person, and not of a computer or a trust."""
        machines = self.INTERDOMAIN_TRUST | self.WORKSTATION | self.DOMAIN_CONTROLLER
        return bool(self & self.NORMAL_ACCOUNT) and not self & machines


class WindowsError(IntEnum):
    """Errors by the number that Windows gives them, in the server's diagnostic message.

    Source: MS-ERREF 2.2, MS-ADTS 3.1.1.5.3.2.
    """

    ACCESS_DENIED = 0x5
    DEVICE_FAILURE = 0x1F
    """A password over a connection that isn't encrypted enough."""
    WRONG_PASSWORD = 0x56
    NO_SUCH_USER = 0x525
    PASSWORD_RESTRICTION = 0x52D
    LOGON_FAILURE = 0x52E
    ACCOUNT_RESTRICTION = 0x52F
    LOGON_HOURS = 0x530
    WORKSTATION = 0x531
    PASSWORD_EXPIRED = 0x532
    ACCOUNT_DISABLED = 0x533
    ACCOUNT_EXPIRED = 0x701
    MUST_CHANGE = 0x773
    LOCKED_OUT = 0x775
    UNWILLING = 0x2035
    """Wrong encoding of the password, or a port of the Global Catalog."""
    NO_RIGHT = 0x2098


def bind_error(text: str) -> int | None:
    """The error in the message of a refused bind.

    >>> WindowsError(bind_error("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext "
    ...                         "error, data 52e, v4563"))
    <WindowsError.LOGON_FAILURE: 1326>
    """
    match = _BIND_ERROR.search(text)
    return int(match[1], 16) if match else None


def write_error(text: str) -> int | None:
    """The error in the message of a refused modification.

    >>> WindowsError(write_error("0000052D: SvcErr: DSID-031A12D2, problem 5003"))
    <WindowsError.PASSWORD_RESTRICTION: 1325>
    """
    match = _ERROR.match(text)
    return int(match[1], 16) if match else None


def moment(filetime: int | None) -> datetime | None:
    """The moment that a FILETIME stands for: ticks of 100 ns since 1601. None for never.

    Source: MS-DTYP 2.3.3. Both 0 and the highest number mean never.

    >>> moment(133_485_408_000_000_000)
    datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if filetime is None or filetime <= 0 or filetime >= _NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=filetime // _TICKS_PER_MICROSECOND)
    except OverflowError:
        return None


def interval(ticks: int | None) -> timedelta | None:
    """The time that a negative number of ticks stands for. None for none, and for ever.

    >>> interval(-864_000_000_000)
    datetime.timedelta(days=1)
    """
    if ticks is None or ticks >= 0 or ticks <= -_NEVER:
        return None
    return timedelta(microseconds=-ticks // _TICKS_PER_MICROSECOND)


def unicode_pwd(password: str) -> bytes:
    """The value of `unicodePwd`. An empty password is refused: no account may have one.

    Source: MS-ADTS 3.1.1.3.1.5.1: in quotation marks, UTF-16 without a byte order mark.

    >>> unicode_pwd("é").hex()
    '2200e9002200'
    """
    if not password:
        raise ValueError("an empty password")
    return f'"{password}"'.encode("utf-16-le", "surrogatepass")


def length_of(password: str) -> int:
    """The length that `minPwdLength` counts: UTF-16 units.

    >>> length_of("é한"), length_of("😀")
    (2, 2)
    """
    return len(password.encode("utf-16-le", "surrogatepass")) // 2


def is_complex(password: str, *, account_name: str, display_name: str) -> bool:
    """Whether a password meets the complexity rule: characters of three categories, and no names.

    Source: "Password must meet complexity requirements" in Windows' security policy settings.

    >>> is_complex("Winter-Sun", account_name="minji", display_name="Kim, Minji")
    True
    >>> is_complex("Winter-Minji", account_name="mkim", display_name="Kim, Minji")
    False
    """
    folded = password.casefold()
    parts = [account_name, *_NAME_PARTS.split(display_name)]
    if any(len(part) >= _SHORTEST_NAME_PART and part.casefold() in folded for part in parts):
        return False
    return len({_category(character) for character in password} - {""}) >= 3


def _category(character: str) -> str:
    """Currency signs, blanks and digits of other scripts are of none."""
    if character in _SPECIAL:
        return "special"
    if character in "0123456789":
        return "digit"
    category = unicodedata.category(character)
    if category in {"Lu", "Lt"}:
        return "upper"
    if category == "Ll":
        return "lower"
    return "letter" if category in {"Lo", "Lm"} else ""


def guid_text(value: bytes) -> str:
    """An `objectGUID` as Windows shows it: its first three fields are little-endian.

    >>> guid_text(bytes.fromhex("33221100554477668899aabbccddeeff"))
    '00112233-4455-6677-8899-aabbccddeeff'
    """
    return str(UUID(bytes_le=value))


def sid_text(value: bytes) -> str:
    """A security identifier as text.

    Source: MS-DTYP 2.4.2.2: the authority is big-endian, the sub-authorities little-endian.

    >>> sid_text(bytes.fromhex("01020000000000052000000020020000"))
    'S-1-5-32-544'
    """
    if len(value) < 8 or len(value) != 8 + 4 * value[1]:
        raise ValueError("not a security identifier")
    parts = [int.from_bytes(value[at : at + 4], "little") for at in range(8, len(value), 4)]
    return "-".join(["S", str(value[0]), str(int.from_bytes(value[2:8], "big")), *map(str, parts)])


def sid_bytes(text: str) -> bytes:
    """A security identifier as the directory stores it.

    >>> sid_bytes("S-1-5-32-544").hex()
    '01020000000000052000000020020000'
    """
    revision, authority, *parts = map(int, text.removeprefix("S-").split("-"))
    head = bytes([revision, len(parts)]) + authority.to_bytes(6, "big")
    return head + b"".join(part.to_bytes(4, "little") for part in parts)


def is_privileged(sid: str) -> bool:
    """Whether a user or group has power over a domain, so that Windows protects its members.

    Source: "Protected accounts and groups in Active Directory", and those who come near to them.

    >>> is_privileged("S-1-5-21-1-2-3-512"), is_privileged("S-1-5-21-1-2-3-513")
    (True, False)
    """
    domain, _, number = sid.rpartition("-")
    if domain == _BUILTIN_DOMAIN:
        return int(number) in _PRIVILEGED_BUILTIN
    return _DOMAIN.fullmatch(domain) is not None and int(number) in _PRIVILEGED_IN_DOMAIN


def privileged_sids(domain: str) -> list[str]:
    """The privileged groups and users of a domain, given its own identifier."""
    return [
        *(f"{_BUILTIN_DOMAIN}-{number}" for number in sorted(_PRIVILEGED_BUILTIN)),
        *(f"{domain}-{number}" for number in sorted(_PRIVILEGED_IN_DOMAIN)),
    ]
