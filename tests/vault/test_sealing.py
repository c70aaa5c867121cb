import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from vault import envelope, keyring, services
from vault.envelope import Unopenable
from vault.keyed import digits, keyed_hash
from vault.models import SealingKey, TenantKey

KEY = bytes(range(32))
PLACE = "verification.method.value:7f"
OLD, NEW = "old-key-" * 8, "new-key-" * 8


@given(plaintext=st.binary(), associated_data=st.text(st.characters(codec="utf-8")))
def test_a_sealed_text_opens_again(plaintext, associated_data):
    assert (
        envelope.unseal(KEY, envelope.seal(KEY, plaintext, associated_data), associated_data)
        == plaintext
    )


# Of four bytes chance writes one in a million envelopes.
@given(plaintext=st.binary(min_size=8))
def test_an_envelope_shows_nothing_and_is_never_the_same_twice(plaintext):
    first, second = (envelope.seal(KEY, plaintext, PLACE) for _ in range(2))

    assert plaintext not in first
    assert first != second


@given(st.integers(0, 40), st.integers(0, 7))
def test_one_changed_bit_makes_it_unopenable(position, bit):
    sealed = bytearray(envelope.seal(KEY, b"+82 10 1234", PLACE))
    sealed[position % len(sealed)] ^= 1 << bit

    with pytest.raises(Unopenable):
        envelope.unseal(KEY, bytes(sealed), PLACE)


@given(st.binary(max_size=40))
def test_anything_else_is_unopenable(rubbish):
    with pytest.raises(Unopenable):
        envelope.unseal(KEY, b"\x01" + rubbish, PLACE)


@pytest.mark.parametrize(
    ("key", "associated_data"),
    [
        pytest.param(bytes(32), PLACE, id="another key"),
        pytest.param(KEY, "verification.method.value:80", id="another row"),
        pytest.param(KEY, "directory.prefill.value:7f", id="another table"),
    ],
)
def test_an_envelope_opens_only_with_its_associated_data(key, associated_data):
    sealed = envelope.seal(KEY, b"secret", PLACE)

    with pytest.raises(Unopenable):
        envelope.unseal(key, sealed, associated_data)


def test_a_column_of_one_tenant_does_not_open_in_another(contoso, hanbit):
    sealed = services.sealed("+821012345678", tenant_id=contoso.pk, associated_data=PLACE)

    assert services.opened(sealed, tenant_id=contoso.pk, associated_data=PLACE) == "+821012345678"
    with pytest.raises(Unopenable):
        services.opened(sealed, tenant_id=hanbit.pk, associated_data=PLACE)


def test_a_new_key_in_the_ring_leaves_everything_readable(contoso, ring):
    ring(OLD)
    TenantKey.objects.all().delete()
    services.create_key(contoso.pk)
    sealed = services.sealed("secret", tenant_id=contoso.pk, associated_data=PLACE)

    ring(NEW, OLD)

    assert services.opened(sealed, tenant_id=contoso.pk, associated_data=PLACE) == "secret"


def test_a_ring_without_the_key_opens_nothing(contoso, ring):
    ring(OLD)
    TenantKey.objects.all().delete()
    services.create_key(contoso.pk)

    ring(NEW)

    with pytest.raises(Unopenable):
        services.sealed("secret", tenant_id=contoso.pk, associated_data=PLACE)


def test_without_its_key_a_tenant_is_shredded(contoso):
    sealed = services.sealed("secret", tenant_id=contoso.pk, associated_data=PLACE)
    TenantKey.objects.all().delete()
    services._cached.clear()

    with pytest.raises(TenantKey.DoesNotExist):
        services.opened(sealed, tenant_id=contoso.pk, associated_data=PLACE)


def test_a_tenant_that_got_the_number_of_a_rolled_back_one_has_its_own_key(contoso):
    before = services.sealed("secret", tenant_id=contoso.pk, associated_data=PLACE)
    TenantKey.objects.all().delete()

    services.create_key(contoso.pk)

    with pytest.raises(Unopenable):
        services.opened(before, tenant_id=contoso.pk, associated_data=PLACE)


def test_the_data_key_lies_in_the_database_wrapped_only(contoso):
    services.sealed("secret", tenant_id=contoso.pk, associated_data=PLACE)
    services.create_newer_key(contoso.pk)
    services.sealed("secret", tenant_id=contoso.pk, associated_data=PLACE)
    keys = services._cached[contoso.pk].keys

    assert keys[0] not in bytes(TenantKey.objects.get(tenant_id=contoso.pk).wrapped)
    assert keys[1] not in bytes(SealingKey.objects.get(tenant_id=contoso.pk).wrapped)
    assert keys[0] != keys[1]


def test_two_purposes_have_two_keys():
    assert keyring.purpose_key("codes") != keyring.purpose_key("answers")


@pytest.mark.parametrize("keys", [[], ["short"]])
def test_an_empty_or_short_ring_is_refused(ring, keys):
    ring(*keys)

    with pytest.raises(ImproperlyConfigured):
        keyring.purpose_key("codes")


@given(st.lists(st.text(st.characters(codec="utf-8"))), st.lists(st.text(max_size=3)))
def test_fingerprints_are_equal_for_equal_parts_only(left, right):
    equal = keyed_hash(KEY, *left) == keyed_hash(KEY, *right)

    assert equal == (left == right)


@given(st.text())
def test_digits_stay_below_their_bound(label):
    assert 0 <= digits(KEY, label, below=9_000) < 9_000
