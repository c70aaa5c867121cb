"""Random people clicking random things: no order of clicks leads past the gates."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limits.models import Counter
from reset.models import PassedGate, ResetAttempt
from reset.queries.attempts import attempt_of, state_of
from tenants.policy import Method, Policy, Questions, Scope
from tenants.services import change_policy
from tests.builders import ANSWERS, make_email, make_phone, make_questions, make_user
from tests.captcha import solved
from verification.models import Challenge
from verification.queries import drawn_questions, number_shown
from verification.services.calls import press
from verification.services.challenges import code_mac

RIGHT, WRONG = "12345678", "87654321"
UPNS = {"anna": "anna@contoso.example", "bert": "bert@contoso.example"}
actions = st.tuples(
    st.sampled_from(list(UPNS)),
    st.sampled_from(
        [
            "identify",
            "send email",
            "send text",
            "send call",
            "send questions",
            "right code",
            "wrong code",
            "empty code",
            "type on phone",
            "check call",
            "right answers",
            "wrong answers",
            "resend",
            "new password",
            "unlock",
            "other browser's cookie back",
        ]
    ),
)


class Person:
    """One browser, and what a look at the code says it has proved."""

    def __init__(self, name):
        self.upn = UPNS[name]
        self.client = Client()
        self.user = None
        self.cookies = []

    @property
    def row(self):
        cookie = self.client.cookies.get("reset")
        return attempt_of(cookie.value) if cookie else None

    @property
    def attempt(self):
        return self.row.attempt if self.row else None

    def challenge(self):
        attempt = self.attempt
        found = (
            Challenge.objects.filter(context=attempt.pk) if attempt else Challenge.objects.none()
        )
        return found.order_by("-created_at").first()

    def snapshot(self):
        row = self.row
        if row is None:
            return None
        attempt, passed = row.attempt, state_of(row).facts.passed
        return (attempt.pk, attempt.refused, attempt.finished_at, passed)

    def do(self, action):
        if cookie := self.client.cookies.get("reset"):
            self.cookies.append(cookie.value)
        post = self.client.post
        challenge = self.challenge()
        if challenge and "code" in action:
            challenge.code_mac = code_mac(challenge, RIGHT)
            challenge.save(update_fields=["code_mac"])
        if action == "identify":
            return post("/passwordreset", solved({"username": self.upn}))
        if action.startswith("send "):
            method = {"text": "mobile_text", "call": "mobile_call"}.get(action[5:], action[5:])
            return post("/passwordreset/verify", {"method": method})
        if action.endswith("code"):
            code = {"right": RIGHT, "wrong": WRONG}.get(action.split()[0], "")
            return post("/passwordreset/code", {"code": code})
        if action == "type on phone":
            return challenge and press(challenge.pk, number_shown(challenge))
        if action == "check call":
            return post("/passwordreset/call")
        if action.endswith("answers"):
            drawn = drawn_questions(self.user.pk)
            given_ = [ANSWERS[q] if action.startswith("right") else "no" for q in drawn]
            fields = {f"answer_{n}": text for n, text in enumerate(given_, start=1)}
            return post("/passwordreset/questions", fields)
        if action == "resend":
            return post("/passwordreset/resend")
        if action == "unlock":
            return post("/passwordreset/unlock")
        if action == "new password":
            new = "correct horse battery"
            fields = {"new_password": new, "confirm_password": new}
            return post("/passwordreset/new-password", fields)
        if self.cookies:
            self.client.cookies["reset"] = self.cookies[0]
        return None


def proofs_of_right_answers(attempt):
    """The passed factors, counted from the redeemed challenges alone."""
    spent = Challenge.objects.filter(context=attempt.pk, spent_at__isnull=False)
    return {Method(method).factor for method in spent.values_list("method", flat=True)}


@pytest.mark.parametrize("required", [1, 2])
def test_no_order_of_clicks_leads_past_the_gates(contoso, mailroom, monkeypatch, required):
    policy = Policy(self_service=Scope.ALL, methods_required=required, questions=Questions.SECOND)
    change_policy(policy)
    users = {}
    for name, upn in UPNS.items():
        users[name] = make_user(upn, display_name=name)
        make_email(users[name], f"{name}@mail.example")
        make_phone(users[name], f"010-1234-000{len(users)}")
        make_questions(users[name])

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(clicks=st.lists(actions, max_size=25))
    def walk(clicks):
        people = {name: Person(name) for name in UPNS}
        for name, person in people.items():
            person.user = users[name]
        for name, action in [("anna", "identify"), ("bert", "identify"), *clicks]:
            Counter.objects.all().delete()
            other = people["bert" if name == "anna" else "anna"]
            before = other.snapshot()
            people[name].do(action)
            assert other.snapshot() == before
        for attempt in ResetAttempt.objects.filter(finished_at__isnull=False):
            factors = proofs_of_right_answers(attempt)
            assert len(factors) >= required
            assert required == 1 or len(factors) > 1
        for gate in PassedGate.objects.all():
            challenge = Challenge.objects.get(pk=gate.challenge_id)
            assert challenge.spent_at is not None
            assert challenge.user_id == gate.user_id == gate.attempt.user_id

    walk()
