"""Takes the newest key of the ring into use for everything that is kept."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services.sealing import sign_anew
from isolation.scope import NOBODY, in_tenant
from tenants.models import Tenant
from vault.envelope import Unopenable
from vault.services import rewrap_all
from verification.services import blind_indexes


class Command(BaseCommand):
    help = (
        "Wraps every organisation's data key under the first key of SSPR_ENCRYPTION_KEYS. The"
        " service may run meanwhile, if all of it was restarted with the new key in front."
    )

    def handle(self, **_options: Any) -> None:
        try:
            wrapped = rewrap_all()
        except Unopenable:
            raise CommandError(
                "A data key opens with no key of SSPR_ENCRYPTION_KEYS: put back the one that is"
                " missing, behind the new one"
            ) from None
        indexes = signed = 0
        for tenant_id in [NOBODY, *Tenant.objects.order_by("pk").values_list("pk", flat=True)]:
            with in_tenant(tenant_id):
                signed += sign_anew()
                indexes += blind_indexes.renew() if tenant_id != NOBODY else 0
        self.stdout.write(
            f"Data keys wrapped anew: {wrapped}. Ends of audit chains signed anew: {signed}."
            f" Blind indexes made anew: {indexes}."
        )
        self.stdout.write(
            "The older keys are needed for a day yet: for resets, codes and limits that began under"
            " them. docs/operators.md says what else ends with them."
        )
