"""One page for every kind of security info."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from directory.models import User
from registration import queries
from registration.forms import EmailForm, EnteredForm, PhoneForm, QuestionsForm
from registration.queries import AddressProblem
from registration.rules import Status
from registration.services import enrol
from registration.views.done import registered
from registration.views.frame import (
    context_of,
    freshly_proved,
    open_while_registering,
    render,
)
from registration.views.rows import page_for
from registration.views.typed import typed_before
from registration.views.verifications import register_pages
from tenants.policy import Factor, Method, OfficeEditor
from tenants.queries import policy_in_force, tenant_in_force
from tenants.queries.questions import questions_on_offer
from verification.flow.pages import is_sent_already
from verification.methods import FACTOR_OF_PAGE, REGISTRATIONS
from verification.methods.base import TooManyDevices
from verification.services.challenges import Refused
from verification.services.guesses import Throttled
from verification.session import Session, SuggestedAddress
from verification.words import paused_words, refused_words

Page = Callable[..., HttpResponse]


def offered(view: Page) -> Page:
    """Gives the view the factor that its page registers, if the user may register it here.

    Other users are led to what they may register.
    """

    @open_while_registering
    @freshly_proved
    @wraps(view)
    def page(request: HttpRequest, user: User) -> HttpResponse:
        assert request.resolver_match is not None
        factor = FACTOR_OF_PAGE[request.resolver_match.view_name]
        row = queries.overview_of(user).row(factor)
        if row is None or not row.is_open:
            return redirect("registration:setup")
        return view(request, user, factor)

    return page


@offered
def mobile_phone(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    """The mobile phone or, beside it, another one."""
    assert request.resolver_match is not None
    form = _phone_form(request, user, factor)
    if form.is_valid() and _is_phone_asked(request, user, form, factor):
        return _verify(request, user, Method(form.cleaned_data["method"]))
    context = {"form": form} | (_entered(user, factor) if factor.can_be_entered else {})
    return render(request, f"registration/{request.resolver_match.url_name}.html", context)


@offered
def email(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    typed, (method,) = typed_before(request, user, factor), factor.methods
    session = Session(request.session)
    suggested, session.suggested_address = session.suggested_address, None
    initial = suggested.typed if suggested else typed
    form = EmailForm(request.POST or None, initial={"email": initial})
    if form.is_valid() and form.suggestion:
        address = form.cleaned_data["email"]
        session.suggested_address = SuggestedAddress(address, form.suggestion)
        return redirect("registration:email")
    if form.is_valid() and _is_email_asked(request, user, form, method):
        return _verify(request, user, method)
    context = {"form": form, "suggested": suggested, **_entered(user, factor)}
    return render(request, "registration/email.html", context)


@open_while_registering
@freshly_proved
def office(request: HttpRequest, user: User) -> HttpResponse:
    """Shown, and confirmed by a call; who may change it is for the policy to say."""
    assert request.resolver_match is not None
    factor = FACTOR_OF_PAGE[request.resolver_match.view_name]
    context = _entered(user, factor)
    row = queries.overview_of(user).row(factor)
    if row is None or policy_in_force().office_phone_editor is not OfficeEditor.USER:
        return render(request, "registration/office.html", context)
    form = _phone_form(request, user, factor)
    if form.is_valid() and _is_phone_asked(request, user, form, factor):
        return _verify(request, user, Method(form.cleaned_data["method"]))
    return render(request, "registration/office.html", {"form": form, **context})


@open_while_registering
@freshly_proved
def entered(request: HttpRequest, user: User, factor: str) -> HttpResponse:
    """Verifies what an administrator entered: a code or call to there, and nowhere else."""
    if factor not in set(Factor):
        raise Http404
    kind = Factor(factor)
    methods = queries.options_to_confirm(user, kind)
    if request.method != "POST" or not methods:
        return redirect("registration:setup")
    form = EnteredForm(request.POST, methods=methods)
    problem = _why_not_asked(request, user, form)
    if not problem:
        return _verify(request, user, Method(form.cleaned_data["method"]))
    messages.warning(request, problem)
    return redirect(page_for(kind))


@offered
def ask_questions(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    policy = policy_in_force()
    form = QuestionsForm(
        request.POST or None,
        bank=questions_on_offer(),
        policy=policy,
        names=[*user.display_name.split(), user.given_name, user.surname, user.upn.split("@")[0]],
        shuffled_by=str(context_of(request)),
    )
    if form.is_valid():
        enrol.save_questions(user, form.answers)
        return registered(request, user, factor)
    context = {"form": form, "n": policy.questions_to_register}
    return render(request, "registration/questions.html", context)


@offered
def device(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    """Registers a device by a code that it shows."""
    by_code = REGISTRATIONS[factor].by_code
    assert by_code is not None
    form = by_code.form(request.POST or None)
    if form.is_valid():
        try:
            if enrol.activate_device(user, context_of(request), factor, form.cleaned_data):
                return registered(request, user, factor)
            form.add_error("code", str(by_code.wrong_words))
        except Throttled as throttle:
            form.add_error("code", paused_words(throttle.until))
    try:
        context = {"form": form, "by_code": by_code, **by_code.shown(user, context_of(request))}
    except TooManyDevices as refusal:
        words = _("You can register up to %(max)s apps. Remove one first.")
        messages.warning(request, words % {"max": refusal.most})
        return redirect("registration:security-info")
    return render(request, by_code.template, context)


def _verify(request: HttpRequest, user: User, method: Method) -> HttpResponse:
    """To the page where the code or the call by this method is answered."""
    return redirect(register_pages(request, user).address_of(method))


def _phone_form(request: HttpRequest, user: User, factor: Factor) -> PhoneForm:
    policy, home = policy_in_force(), tenant_in_force().country
    form = PhoneForm(
        request.POST or None,
        home=home,
        countries=policy.countries or frozenset({home}),
        methods=queries.options_to_register(user, factor),
    )
    form.initial["phone"] = typed_before(request, user, factor)
    return form


def _is_phone_asked(request: HttpRequest, user: User, form: PhoneForm, factor: Factor) -> bool:
    """Texts or calls the phone, unless something speaks against it: that is said at the field."""
    if enrol.is_used_elsewhere(user, factor, form.found.e164):
        form.add_error("phone", used_elsewhere_words())
        return False
    method = Method(form.cleaned_data["method"])
    try:
        enrol.start_phone(user, context_of(request), form.found, method)
    except Refused as refusal:
        if is_sent_already(request, register_pages(request, user), refusal, method):
            return True
        form.add_error("phone", refused_words(refusal, method))
        return False
    return True


def _is_email_asked(request: HttpRequest, user: User, form: EmailForm, method: Method) -> bool:
    """Mails the address, unless something speaks against it: that is said at the field."""
    address = form.cleaned_data["email"]
    if problem := queries.address_problem(user, address):
        form.add_error("email", _address_words(problem, address))
        return False
    try:
        enrol.start_email(user, context_of(request), address, method)
    except Refused as refusal:
        if is_sent_already(request, register_pages(request, user), refusal, method):
            return True
        form.add_error("email", refused_words(refusal, method))
        return False
    return True


def _why_not_asked(request: HttpRequest, user: User, form: EnteredForm) -> str:
    """Verifies what an administrator entered; says why not, or nothing."""
    if not form.is_valid():
        return _("Select a method")
    method = Method(form.cleaned_data["method"])
    try:
        enrol.start_entered(user, context_of(request), method)
    except enrol.NothingEntered:
        return _("Select a method")
    except enrol.UsedElsewhere:
        return used_elsewhere_words()
    except Refused as refusal:
        if not is_sent_already(request, register_pages(request, user), refusal, method):
            return refused_words(refusal, method)
    return ""


def _entered(user: User, factor: Factor) -> dict[str, object]:
    """What an administrator entered and the user hasn't confirmed, for the page of its kind."""
    row = queries.overview_of(user).row(factor)
    if row is None or row.status is Status.MISSING:
        return {"row": None}
    confirm = row.status is Status.CONFIRM
    methods = queries.options_to_confirm(user, factor) if confirm else []
    return {
        "row": row,
        "entered_form": EnteredForm(None, methods=methods) if methods else None,
        "factor": factor.value,
    }


def used_elsewhere_words() -> str:
    return _("You already use this number for another method")


def _address_words(problem: AddressProblem, address: str) -> str:
    if problem is AddressProblem.OWN:
        return _("Enter a different address: you need this account’s password to open that mailbox")
    return _("Addresses at %(domain)s can’t be used. Enter a personal address.") % {
        "domain": address.rpartition("@")[2]
    }
