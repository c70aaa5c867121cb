"""What every method proves, how it travels, and what policies allow it by."""

import pytest

from tenants.policy import Factor, Method
from tenants.policy.methods import Carrier, factor_choices, method_choices

MAIL, TEXT, CALL = Carrier.EMAIL, Carrier.TEXT, Carrier.CALL


@pytest.mark.parametrize(
    ("factor", "is_phone", "can_be_entered", "gate"),
    [
        ("mobile_phone", True, True, "mobile_phone"),
        ("alternate_phone", True, False, "mobile_phone"),
        ("office_phone", True, True, "office_phone"),
        ("email", False, True, "email"),
        ("questions", False, False, "questions"),
        ("passkey", False, False, "passkey"),
        ("authenticator", False, False, "authenticator"),
        ("recovery_code", False, False, "recovery_code"),
    ],
)
def test_a_factor(factor, is_phone, can_be_entered, gate):
    one = Factor(factor)

    assert (one.is_phone, one.can_be_entered, one.gate) == (is_phone, can_be_entered, gate)
    assert one.label.msgid


@pytest.mark.parametrize("factor", Factor)
def test_a_factor_of_which_there_may_be_several(factor):
    assert factor.is_device is (factor in {Factor.PASSKEY, Factor.AUTHENTICATOR, Factor.OATH_TOKEN})
    assert factor.is_set is (factor is Factor.RECOVERY_CODE)
    assert factor.may_be_several is (factor.is_device or factor.is_set)
    assert factor.is_contact is (factor.is_phone or factor is Factor.EMAIL)


@pytest.mark.parametrize(
    ("method", "proves", "carrier", "is_unguessable", "allowed_as"),
    [
        ("passkey", "passkey", None, True, "passkey"),
        ("authenticator", "authenticator", None, False, "authenticator"),
        ("oath_token", "oath_token", None, False, "oath_token"),
        ("email", "email", MAIL, False, "email"),
        ("mobile_text", "mobile_phone", TEXT, False, "mobile_text"),
        ("mobile_call", "mobile_phone", CALL, False, "mobile_call"),
        ("alternate_text", "alternate_phone", TEXT, False, "mobile_text"),
        ("alternate_call", "alternate_phone", CALL, False, "mobile_call"),
        ("office_call", "office_phone", CALL, False, "office_call"),
        ("questions", "questions", None, False, "questions"),
        ("recovery_code", "recovery_code", None, True, "recovery_code"),
    ],
)
def test_a_method(method, proves, carrier, is_unguessable, allowed_as):
    one = Method(method)

    assert (one.factor, one.carrier, one.is_unguessable) == (proves, carrier, is_unguessable)
    assert one.allowed_as is Method(allowed_as)
    assert (one.is_text, one.is_call) == (carrier is TEXT, carrier is CALL)
    assert one.is_code is (carrier in {MAIL, TEXT})
    assert one.is_to_a_phone is proves.endswith("phone")
    assert one.label.msgid


def test_columns_take_every_method_and_every_factor():
    assert method_choices() == [(one.value, one.value) for one in Method]
    assert factor_choices() == [(one.value, one.value) for one in Factor]
