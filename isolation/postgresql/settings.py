"""What a transaction sets at PostgreSQL before it reads or writes rows."""

from dataclasses import dataclass

from isolation.scope import StatementLimits

TENANT_SETTING = "sspr.tenant"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a transaction sets before it reads or writes rows.

    Args:
        tenant: a tenant's id, "*" for the rows of all tenants, empty for no rows.
    """

    tenant: str
    limits: StatementLimits | None

    def statement(self, before: "Settings | None") -> str:
        """Sets what differs from before, or everything; empty where nothing differs."""
        changes = {}
        if before is None:
            # Compiling a statement with many conditions takes PostgreSQL longer than running it.
            changes["jit"] = "off"
        if before is None or before.tenant != self.tenant:
            changes[TENANT_SETTING] = self.tenant
        if self.limits and (before is None or before.limits != self.limits):
            changes["statement_timeout"] = f"{self.limits.statement_s}s"
            changes["lock_timeout"] = f"{self.limits.lock_s}s"
        calls = ", ".join(
            f"set_config('{name}', '{value}', true)" for name, value in changes.items()
        )
        return f"SELECT {calls}" if calls else ""
