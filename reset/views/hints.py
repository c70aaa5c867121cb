"""What is said of a password while it is typed: what would be said of it when it's sent."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from directory.models import User
from directory.services.passwords import judged
from limits import services as limits
from limits.rules import Limit
from passwords.rules import Strength, prepared, strength
from registration.views.frame import even_while_frozen
from reset.forms import finding_words
from reset.queries.attempts import AttemptState
from reset.rules import Step
from reset.views.frame import at
from tenants.queries import policy_in_force
from verification.middleware import for_a_script


@for_a_script
@sensitive_post_parameters("new_password")
@require_POST
@at(Step.NEW_PASSWORD)
def new_password(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """For who passed the gates: nobody else is told what a person's password mustn't hold."""
    return _hint(request, state.subject.user, str(state.attempt.pk))


@for_a_script
@sensitive_post_parameters("new_password")
@require_POST
@even_while_frozen
def change_password(request: HttpRequest, user: User) -> HttpResponse:
    return _hint(request, user, str(user.pk))


def _hint(request: HttpRequest, user: User | None, who: str) -> HttpResponse:
    if not limits.hit(Limit.PASSWORD_HINTS, who).allowed:
        return JsonResponse({"lines": []}, status=429)
    typed = prepared(request.POST.get("new_password", ""))
    if not typed:
        return JsonResponse({"lines": []})
    found = judged(typed, user)
    levels = {
        Strength.REFUSED: _("Not accepted yet"),
        Strength.WEAK: _("Weak"),
        Strength.ACCEPTABLE: _("Acceptable"),
        Strength.STRONG: _("Strong"),
    }
    level = strength(typed, found.findings, found.worth)
    lines = [_("Password strength: %(level)s") % {"level": levels[level]}]
    shortest = policy_in_force().password_min_length
    lines += [finding_words(one, shortest=shortest) for one in found.findings]
    return JsonResponse({"lines": lines})
