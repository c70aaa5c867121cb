"""Which tenant a user ID belongs to, before a tenant is in force."""

import pytest

from isolation.scope import NO_TENANT, current_tenant_id, request_cache
from tenants.policy import Policy, Scope
from tenants.queries import in_tenant_of, policy_in_force, tenant_of
from tenants.services import change_policy
from tests.builders import make_tenant
from tests.statements import data_statements


@pytest.mark.parametrize("upn", ["minji@contoso.example", "minji@nobodys.example"])
def test_a_request_asks_once_whose_a_user_id_is_and_what_was_decided(db, upn):
    make_tenant("contoso")

    def look():
        tenant_of(upn)
        with in_tenant_of(upn):
            policy_in_force()

    with request_cache():
        assert len(data_statements(look)) == 1


def test_the_next_request_asks_again(db):
    with request_cache():
        before = tenant_of("minji@contoso.example")
    tenant = make_tenant("contoso")
    with request_cache():
        after = tenant_of("minji@contoso.example")

    assert (before, after) == (None, tenant)


def test_a_change_of_the_policy_counts_at_once(contoso):
    with in_tenant_of("minji@contoso.example"):
        before = policy_in_force().self_service
    change_policy(Policy(self_service=Scope.NONE))
    with in_tenant_of("minji@contoso.example"):
        after = policy_in_force().self_service

    assert (before, after) == (Scope.ALL, Scope.NONE)


def test_a_tenant_is_in_force_with_its_own_policy_and_an_unknown_domain_with_the_default(db):
    tenant = make_tenant("contoso")

    with in_tenant_of("minji@contoso.example") as found:
        assert (found, current_tenant_id()) == (tenant, tenant.pk)
        decided = policy_in_force().self_service
    with in_tenant_of("minji@nobodys.example") as found:
        assert (found, current_tenant_id()) == (None, NO_TENANT)
        assert policy_in_force().self_service is Scope.NONE

    assert decided is Scope.ALL
