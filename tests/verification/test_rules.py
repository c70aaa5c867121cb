"""Small rules of the room that no page of it shows by itself."""

import pytest

from tenants.policy import Method, Proof
from verification.rules.beat import FORM_BEAT_S, PAGE_BEAT_S, until_the_beat
from verification.rules.ways import Held, Way, methods_of


def test_forms_wait_for_a_longer_beat_than_pages():
    assert (FORM_BEAT_S, PAGE_BEAT_S) == (0.2, 0.05)


@pytest.mark.parametrize(
    ("began", "now", "wait"),
    [(5.0, 5.05, 0.15), (5.05, 5.1, 0.15), (5.05, 5.3, 0.15), (5.05, 5.05, 0.2)],
)
def test_the_next_beat_is_counted_from_the_beginning_of_the_request(began, now, wait):
    assert until_the_beat(0.2, began, now) == pytest.approx(wait)


def test_what_is_held_is_verified_and_takes_no_texts_until_that_is_known():
    assert Held(proof=Proof.EMAIL) == Held(
        proof=Proof.EMAIL, textable=False, since=None, verified=True, held=False
    )
    assert Way(Method.EMAIL) == Way(Method.EMAIL, "")


def test_a_phone_that_takes_no_texts_is_only_called():
    phone = Held(proof=Proof.MOBILE_PHONE)
    mobile = Held(proof=Proof.MOBILE_PHONE, textable=True)

    assert methods_of([phone]) == [Method.MOBILE_CALL]
    assert methods_of([mobile]) == [Method.MOBILE_TEXT, Method.MOBILE_CALL]


def test_methods_are_given_strongest_first_and_each_once():
    held = [Held(proof=Proof.QUESTIONS), Held(proof=Proof.EMAIL), Held(proof=Proof.EMAIL)]

    assert methods_of(held) == [Method.EMAIL, Method.QUESTIONS]
