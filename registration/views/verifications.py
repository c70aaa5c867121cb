"""The pages of registration's verifications: a fresh proof, and the code to what is registered."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from directory.models import User
from registration.services import identity
from registration.services.enrol import ContactVerification
from registration.views.done import registered
from registration.views.frame import context_of, note_proof, render, url_after_proof
from registration.views.rows import page_for
from registration.views.typed import typed_in
from tenants.policy import Method
from verification.flow.pages import VerificationPages
from verification.methods import REGISTRATIONS
from verification.models import Challenge
from verification.queries import message_of


def fresh_proof_pages(request: HttpRequest, user: User) -> VerificationPages:
    """Proving a registered method before anything is changed."""

    def finish(request: HttpRequest, challenge: Challenge) -> HttpResponse:
        note_proof(request, Method(challenge.method).factor)
        return redirect(url_after_proof(request))

    return VerificationPages(
        verification=identity.fresh_proof(user, context_of(request)),
        choose="registration:proof",
        page_of=lambda _method: "registration:proof-verify",
        resend=reverse("registration:resend", args=["prove"]),
        poll=reverse("registration:call-state", args=["prove"]),
        user_id=lambda: user.upn,
        passed=lambda: "registration:security-info",
        finish=finish,
        has_failed=has_failed,
        render=render,
        template="registration/proof.html",
    )


def register_pages(request: HttpRequest, user: User) -> VerificationPages:
    """Verifying a phone or an address that is being registered."""

    def about(challenge: Challenge) -> dict[str, object]:
        typed = typed_in(user, challenge)
        change_url = page_for(Method(challenge.method).factor) if typed else ""
        return {"typed": typed, "change_url": change_url}

    return VerificationPages(
        verification=ContactVerification(user, context_of(request)),
        choose="registration:setup",
        page_of=lambda method: (
            REGISTRATIONS[method.factor].page if method.factor.is_device else "registration:verify"
        ),
        resend=reverse("registration:resend", args=["register"]),
        poll=reverse("registration:call-state", args=["register"]),
        user_id=lambda: user.upn,
        passed=lambda: "registration:setup",
        finish=lambda request, challenge: registered(
            request, user, Method(challenge.method).factor
        ),
        has_failed=has_failed,
        render=render,
        about=about,
    )


def has_failed(challenge: Challenge) -> bool:
    message = message_of(challenge)
    return message is not None and message.state == message.State.FAILED
