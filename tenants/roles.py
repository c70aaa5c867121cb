"""Who may do what for an organisation: one table.

Source: design section 3 (roles); Entra's Authentication Policy Administrator, Helpdesk
Administrator and Reports Reader are the nearest of theirs.
"""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that a role may allow. Pages and buttons check these, never roles."""

    READ_AUDIT = "read_audit"
    EXPORT_AUDIT = "export_audit"
    """As a file, with the facts that the role may read."""
    STREAM_AUDIT = "stream_audit"
    """Where the audit log is sent, as it grows."""
    READ_REPORTS = "read_reports"
    SEE_PEOPLE = "see_people"
    HELP_PEOPLE = "help_people"
    """Clear a block, require registration again, sign out, verify a caller, give a way in once."""
    MANAGE_PEOPLE = "manage_people"
    """Disable, change contact data, see it in full, act on people who have a role."""
    IMPORT_PEOPLE = "import_people"
    SET_POLICY = "set_policy"
    """Policy, questions, groups, branding and texts."""
    MANAGE_DIRECTORIES = "manage_directories"
    """Whether and how this service reaches the organisation's directories."""
    MANAGE_ADMINS = "manage_admins"


class Role(StrEnum):
    NONE = ""
    OPERATOR = "operator"
    TENANT_ADMIN = "tenant_admin"
    HELPDESK = "helpdesk"
    REPORTS_READER = "reports_reader"

    @property
    def permissions(self) -> frozenset[Permission]:
        """An operator's permissions hold in the organisation that they chose to act in."""
        return _PERMISSIONS[self]

    @property
    def runs_the_admin(self) -> bool:
        """Whether the person may sign in to the admin at all."""
        return bool(self.permissions)

    @property
    def is_administrator(self) -> bool:
        """Whether a stranger who resets this password could act for others: two gates always."""
        return self in {Role.OPERATOR, Role.TENANT_ADMIN, Role.HELPDESK}


_PERMISSIONS = {
    Role.NONE: frozenset(),
    Role.OPERATOR: frozenset(Permission),
    Role.TENANT_ADMIN: frozenset(Permission),
    Role.HELPDESK: frozenset(
        {Permission.SEE_PEOPLE, Permission.HELP_PEOPLE, Permission.READ_AUDIT}
    ),
    Role.REPORTS_READER: frozenset(
        {Permission.READ_REPORTS, Permission.READ_AUDIT, Permission.EXPORT_AUDIT}
    ),
}
