"""Who may do what for an organisation: one table."""

from enum import StrEnum


class Role(StrEnum):
    NONE = ""
    OPERATOR = "operator"
    TENANT_ADMIN = "tenant_admin"
    HELPDESK = "helpdesk"
    REPORTS_READER = "reports_reader"

    @property
    def runs_the_admin(self) -> bool:
        """Whether the person may sign in to the admin at all."""
        return self is not Role.NONE

    @property
    def is_administrator(self) -> bool:
        """Whether a stranger who resets this password could act for others: two gates always."""
        return self in {Role.OPERATOR, Role.TENANT_ADMIN, Role.HELPDESK}

    @property
    def reads_audit(self) -> bool:
        return self in {Role.OPERATOR, Role.TENANT_ADMIN, Role.HELPDESK, Role.REPORTS_READER}
