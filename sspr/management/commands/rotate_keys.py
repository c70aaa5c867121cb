"""Uses the newest key of the ring for all stored data."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services.sealing import sign_anew
from isolation.scope import NO_TENANT, in_tenant
from sspr.resealing import destroy_unused, reseal
from tenants.queries import tenant_ids
from vault.envelope import Unopenable
from vault.services import create_newer_key, rewrap_all


class Command(BaseCommand):
    help = (
        "Wraps every organisation's data keys under the first key of SSPR_ENCRYPTION_KEYS. The"
        " service may run meanwhile, if all of it was restarted with the new key in front."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new-data-keys",
            action="store_true",
            help="also give every organisation a new data key and seal everything with it anew",
        )

    def handle(self, *, new_data_keys: bool, **_options: Any) -> None:
        try:
            wrapped = rewrap_all()
        except Unopenable:
            raise CommandError(
                "A data key opens with no key of SSPR_ENCRYPTION_KEYS: put back the one that is"
                " missing, behind the new one"
            ) from None
        tenants = tenant_ids()
        if new_data_keys:
            for tenant_id in tenants:
                create_newer_key(tenant_id)
        with in_tenant(NO_TENANT):
            signed = sign_anew()
        resealed = destroyed = 0
        for tenant_id in tenants:
            with in_tenant(tenant_id):
                signed += sign_anew()
                resealed += reseal()
                destroyed += destroy_unused()
        self.stdout.write(
            f"Data keys wrapped anew: {wrapped}. Ends of audit chains signed anew: {signed}."
            f" Envelopes sealed anew: {resealed}. Older data keys destroyed: {destroyed}."
        )
        self.stdout.write(
            "The older keys are needed for a day yet: for resets, codes and limits that began under"
            " them. docs/operators.md says what else ends with them."
        )
        if new_data_keys:
            self.stdout.write(
                "Run rotate_keys again in an hour: it seals anew what was sealed meanwhile with the"
                " data keys of before, and destroys them."
            )
