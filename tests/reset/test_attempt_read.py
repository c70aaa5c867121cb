"""What every page of a reset reads first."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reset.queries.attempts import attempt_of, in_tenant_of_attempt
from reset.services.attempts import begin
from tenants.models import Branding
from tenants.queries import branding_in_force, policy_in_force, tenant_in_force
from tests.builders import make_user


@pytest.mark.parametrize("logo", [b"", b"picture"], ids=["no logo", "logo"])
def test_organisation_is_read_with_the_attempt_but_not_the_logo_itself(contoso, logo):
    Branding.objects.create(colour="#112233", logo=logo)
    wanted = policy_in_force()
    begun = begin(make_user().upn, network="192.0.2.0")

    row = attempt_of(begun.cookie)
    with in_tenant_of_attempt(row), CaptureQueriesContext(connection) as asked:
        look = branding_in_force()
        assert (look.colour, bool(look.has_logo)) == ("#112233", bool(logo))
        assert look.get_deferred_fields() == {"logo"}
        assert (policy_in_force(), tenant_in_force()) == (wanted, contoso)

    assert row.policy_at_start == wanted
    assert not asked.captured_queries


@pytest.mark.parametrize("logo", [b"", b"picture"], ids=["no logo", "logo"])
def test_logo_itself_is_not_read_for_a_page(contoso, logo):
    Branding.objects.create(logo=logo)

    look = branding_in_force()

    assert bool(look.has_logo) is bool(logo)
    assert look.get_deferred_fields() == {"logo"}
