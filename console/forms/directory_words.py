"""What the settings of a directory are called, with examples of each kind."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from directory.rules import DirectoryKind, ServerFlaw

KIND_NAMES: Mapping[str, Any] = {
    DirectoryKind.ACTIVE_DIRECTORY: _("Active Directory or Samba AD"),
    DirectoryKind.LDAP: _("LDAP (OpenLDAP, 389 Directory Server, FreeIPA)"),
}
SETTING_NAMES: dict[str, Any] = {
    "name": _("Name"),
    "enabled": _("In use"),
    "servers": _("Servers"),
    "ca_certificates": _("Trusted certificates"),
    "bind_dn": _("Service account"),
    "bind_password": _("Password of the service account"),
    "base_dn": _("Base DN"),
    "people_filter": _("Filter for people"),
    "group_base_dn": _("Base DN of groups"),
    "group_filter": _("Filter for groups"),
    "attributes": _("Attributes"),
    "sign_in_attributes": _("Other names at sign-in"),
    "writeback": _("Set passwords in this directory"),
    "unlocks": _("Unlock accounts without a new password"),
    "protected_groups": _("Protected groups"),
    "sync_every_hours": _("Hours between synchronisations"),
    "brake_percent": _("Ask before disabling more people than (%)"),
}
ATTRIBUTE_NAMES: dict[str, Any] = {
    "upn": _("User ID"),
    "display_name": _("Display name"),
    "given_name": _("First name"),
    "surname": _("Last name"),
    "email": _("Email"),
    "mobile_phone": _("Mobile phone"),
    "office_phone": _("Office phone"),
    "language": _("Language"),
    "manager_dn": _("Manager"),
}
SERVER_FLAWS: Mapping[ServerFlaw, Any] = {
    ServerFlaw.SCHEME: _("Line %(line)s: begin with ldaps:// or ldap://."),
    ServerFlaw.HOST: _("Line %(line)s: enter a host name like dc1.example.com, or an IP address."),
    ServerFlaw.PORT: _("Line %(line)s: the port must be a number from 1 to 65535."),
    ServerFlaw.MORE_THAN_A_SERVER: _(
        "Line %(line)s: enter only the server and its port. Base DN and service account have"
        " fields of their own."
    ),
    ServerFlaw.GLOBAL_CATALOG: _(
        "Line %(line)s: ports 3268 and 3269 are the Global Catalog, which is read-only. Use 636"
        " for ldaps:// or 389 for ldap://."
    ),
    ServerFlaw.OWN_NETWORK: _(
        "Line %(line)s: this address leads to the service’s own computer, not to your directory."
    ),
}
BASE_EXAMPLES: Mapping[DirectoryKind, str] = {
    DirectoryKind.ACTIVE_DIRECTORY: "OU=Staff,DC=corp,DC=example,DC=com",
    DirectoryKind.LDAP: "ou=people,dc=example,dc=com",
}
ACCOUNT_EXAMPLES: Mapping[DirectoryKind, str] = {
    DirectoryKind.ACTIVE_DIRECTORY: "svc-reset@corp.example.com",
    DirectoryKind.LDAP: "cn=svc-reset,ou=services,dc=example,dc=com",
}
FILTER_EXAMPLES: Mapping[DirectoryKind, str] = {
    DirectoryKind.ACTIVE_DIRECTORY: (
        "(&(objectCategory=person)(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:="
        "CN=Staff,OU=Groups,DC=corp,DC=example,DC=com))"
    ),
    DirectoryKind.LDAP: "(&(objectClass=inetOrgPerson)(employeeType=staff))",
}
HINTS: Mapping[str, Any] = {
    "base_dn": _("People are read below this entry. Example: %(example)s"),
    "bind_dn": _("Example: %(example)s. Give it only the rights that “Test connection” names."),
    "people_filter": _(
        "RFC 4515. If empty: %(default)s. Example: %(example)s. Don’t leave out locked or expired"
        " people: they need help."
    ),
    "group_filter": _("RFC 4515. If empty, groups aren’t read. Example: %(example)s"),
    "sign_in_attributes": _(
        "Attributes whose values people may also enter as their user ID, at your portal’s own host"
        " name. Separate them with commas. Example: %(example)s"
    ),
}
