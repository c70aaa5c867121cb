"""What every page of a reset reads first."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reset.queries.attempts import Reads, attempt_of, in_tenant_of_attempt, state_of
from reset.services.attempts import begin
from reset.services.gates import GateVerification
from tenants.models import Branding
from tenants.policy import Method
from tenants.queries import branding_in_force, policy_in_force, tenant_in_force
from tests.builders import make_email, make_user
from verification.flow import verify
from verification.methods.base import ChallengeAnswer
from verification.rules.verdicts import Verdict


@pytest.mark.parametrize("logo", [b"", b"picture"], ids=["no logo", "logo"])
def test_organisation_is_read_with_the_attempt_but_not_the_logo_itself(contoso, logo):
    Branding.objects.create(colour="#112233", logo=logo)
    wanted = policy_in_force()
    begun = begin(make_user().upn, network="192.0.2.0")

    row = attempt_of(begun.cookie)
    with in_tenant_of_attempt(row), CaptureQueriesContext(connection) as asked:
        look = branding_in_force()
        assert (look.colour, bool(look.has_logo)) == ("#112233", bool(logo))
        assert look.get_deferred_fields() == {"logo", "portal_host"}
        assert (policy_in_force(), tenant_in_force()) == (wanted, contoso)

    assert row.policy_at_start == wanted
    assert not asked.captured_queries


@pytest.mark.parametrize("logo", [b"", b"picture"], ids=["no logo", "logo"])
def test_logo_itself_is_not_read_for_a_page(contoso, logo):
    Branding.objects.create(logo=logo)

    look = branding_in_force()

    assert bool(look.has_logo) is bool(logo)
    assert look.get_deferred_fields() == {"logo"}


def test_a_code_proves_nothing_of_an_address_that_replaced_the_one_it_went_to(contoso, mailroom):
    user = make_user()
    address = make_email(user)
    begun = begin(user.upn, network="192.0.2.0")
    verify.begin(GateVerification(state_of(attempt_of(begun.cookie), Reads.METHODS)), Method.EMAIL)
    gate = GateVerification(state_of(attempt_of(begun.cookie)))

    address.delete()
    make_email(user, "another@mail.example")
    result = verify.answer(gate, Method.EMAIL, ChallengeAnswer(text=mailroom.code()))

    assert result.verdict is Verdict.RIGHT
    assert not state_of(attempt_of(gate.cookie)).facts.passed
