"""One page for every kind of security info."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from delivery.channels import available
from directory.models import User
from registration import queries
from registration.forms import EmailForm, EnteredForm, PhoneForm, QuestionsForm
from registration.rules import Status
from registration.services import enrol
from registration.services.enrol import AddressProblem
from registration.views.done import registered
from registration.views.frame import context_of, freshly_proved
from tenants.policy import Method, Policy, Proof
from tenants.queries import policy_in_force, questions, tenant_in_force
from verification.forms import refusal_words
from verification.services.challenges import Refused

_CHANNELS = {
    Method.EMAIL: "email",
    Method.MOBILE_TEXT: "text",
    Method.MOBILE_CALL: "call",
    Method.OFFICE_CALL: "call",
}


@freshly_proved
def phone(request: HttpRequest, user: User) -> HttpResponse:
    policy, home = policy_in_force(), tenant_in_force().country
    form = PhoneForm(
        request.POST if "phone" in request.POST else None,
        home=home,
        countries=policy.countries or frozenset({home}),
        methods=_methods(policy, Proof.MOBILE_PHONE),
    )
    if form.is_valid():
        if enrol.is_used_elsewhere(user, form.found):
            form.add_error("phone", _("You already use this number for another method"))
        else:
            try:
                method = Method(form.cleaned_data["method"])
                enrol.start_phone(user, context_of(request), form.found, method)
                return redirect("registration:verify")
            except Refused as refusal:
                form.add_error("phone", refusal_words(refusal.until))
    context = {"form": form, **_entered(user, Proof.MOBILE_PHONE)}
    return render(request, "registration/phone.html", context)


@freshly_proved
def email(request: HttpRequest, user: User) -> HttpResponse:
    form = EmailForm(request.POST if "email" in request.POST else None)
    if form.is_valid():
        address = form.cleaned_data["email"]
        if problem := enrol.address_problem(user, address):
            form.add_error("email", _address_words(problem, address))
        else:
            try:
                enrol.start_email(user, context_of(request), address)
                return redirect("registration:verify")
            except Refused as refusal:
                form.add_error("email", refusal_words(refusal.until))
    context = {"form": form, **_entered(user, Proof.EMAIL)}
    return render(request, "registration/email.html", context)


@freshly_proved
def office(request: HttpRequest, user: User) -> HttpResponse:
    """Shown, and confirmed by a call; only an administrator can change it."""
    return render(request, "registration/office.html", _entered(user, Proof.OFFICE_PHONE))


@freshly_proved
def entered(request: HttpRequest, user: User, proof: str) -> HttpResponse:
    """Verifies what an administrator entered: a code or call to there, and nowhere else."""
    if proof not in set(Proof):
        raise Http404
    kind = Proof(proof)
    form = EnteredForm(request.POST or None, methods=_methods_of_entered(user, kind))
    if request.method != "POST" or not form.is_valid():
        return redirect("registration:setup")
    try:
        method = Method(form.cleaned_data["method"])
        enrol.start_entered(user, context_of(request), method)
    except (enrol.NothingEntered, Refused):
        return redirect("registration:setup")
    return redirect("registration:verify")


@freshly_proved
def ask_questions(request: HttpRequest, user: User) -> HttpResponse:
    policy = policy_in_force()
    if Proof.QUESTIONS not in {row.proof for row in queries.overview_of(user).rows}:
        return redirect("registration:setup")
    form = QuestionsForm(
        request.POST or None,
        bank=questions(),
        policy=policy,
        names=[*user.display_name.split(), user.given_name, user.surname, user.upn.split("@")[0]],
        shuffled_by=str(context_of(request)),
    )
    if form.is_valid():
        enrol.save_questions(user, form.answers)
        return registered(request, user, Proof.QUESTIONS)
    context = {"form": form, "n": policy.questions_to_register}
    return render(request, "registration/questions.html", context)


def _methods(policy: Policy, proof: Proof) -> list[Method]:
    """The ways of verifying a kind that this installation can deliver."""
    return [
        method
        for method in Method
        if method.proof is proof and method in policy.methods and _can_send(method)
    ]


def _can_send(method: Method) -> bool:
    return method in _CHANNELS and available(_CHANNELS[method])


def _methods_of_entered(user: User, proof: Proof) -> list[Method]:
    methods = _methods(policy_in_force(), proof)
    if not queries.is_entered_textable(user, proof):
        methods = [method for method in methods if method is not Method.MOBILE_TEXT]
    return methods


def _entered(user: User, proof: Proof) -> dict[str, object]:
    """What an administrator entered and nobody confirmed yet, for the page of its kind."""
    row = queries.overview_of(user).row(proof)
    if row is None or row.status is Status.MISSING:
        return {"row": None}
    confirm = row.status is Status.CONFIRM
    methods = _methods_of_entered(user, proof) if confirm else []
    return {
        "row": row,
        "entered_form": EnteredForm(None, methods=methods) if methods else None,
        "proof": proof.value,
    }


def _address_words(problem: AddressProblem, address: str) -> str:
    if problem is AddressProblem.OWN:
        return _("Enter a different address: you need this account’s password to open that mailbox")
    return _("Addresses of %(domain)s can’t be used. Enter a private address.") % {
        "domain": address.rpartition("@")[2]
    }
