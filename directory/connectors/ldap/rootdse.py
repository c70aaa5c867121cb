"""What a server says about itself before anything is asked of it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from directory.connectors.ldap.codes import instant_of
from directory.connectors.ldap.wire import LdapEntry

_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"
_FREEIPA = "2.16.840.1.113730.3.8.10."


class Flavour(StrEnum):
    """The software of a server."""

    OPENLDAP = "openldap"
    DS389 = "389ds"
    FREEIPA = "freeipa"
    SAMBA = "samba"
    WINDOWS = "windows"
    UNKNOWN = "unknown"

    @property
    def is_active_directory(self) -> bool:
        return self in {Flavour.SAMBA, Flavour.WINDOWS}


@dataclass(frozen=True, slots=True)
class RootDse:
    """What a server says about itself."""

    entry: LdapEntry
    flavour: Flavour
    controls: frozenset[str]
    extensions: frozenset[str]
    naming_contexts: tuple[str, ...]
    clock_ahead: timedelta | None = None
    """Of ours. Only Active Directory says its time."""


def described(entry: LdapEntry) -> RootDse:
    extensions = frozenset(entry.texts("supportedExtension"))
    vendor = f"{entry.text('vendorName')} {entry.text('vendorVersion')}".lower()
    if "samba" in vendor:
        flavour = Flavour.SAMBA
    elif entry.text("domainFunctionality") or _ACTIVE_DIRECTORY in entry.texts(
        "supportedCapabilities"
    ):
        flavour = Flavour.WINDOWS
    elif entry.text("ipaDomainLevel") or any(each.startswith(_FREEIPA) for each in extensions):
        flavour = Flavour.FREEIPA
    elif "389" in vendor:
        flavour = Flavour.DS389
    elif "OpenLDAProotDSE" in entry.texts("objectClass"):
        flavour = Flavour.OPENLDAP
    else:
        flavour = Flavour.UNKNOWN
    clock = instant_of(entry.text("currentTime"))
    return RootDse(
        entry=entry,
        flavour=flavour,
        controls=frozenset(entry.texts("supportedControl")),
        extensions=extensions,
        naming_contexts=tuple(entry.texts("namingContexts")),
        clock_ahead=clock - timezone.now() if clock else None,
    )
