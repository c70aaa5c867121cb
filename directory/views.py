"""Hints about a new password while it is typed."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from directory.models import User
from directory.services.passwords import judged
from limits import services as limits
from limits.rules import Limit
from passwords.forms import finding_words
from passwords.rules import Strength, prepared, strength
from tenants.queries import policy_in_force


def password_hint(request: HttpRequest, user: User | None, *, counted_by: str) -> HttpResponse:
    """The strength of the password in the field `new_password`, and the findings against it.

    Args:
        user: the password must not contain their names. None if the attempt can't succeed.
        counted_by: the id of a user or of a reset attempt, to count hints by.
    """
    if not limits.hit(Limit.PASSWORD_HINTS, counted_by).allowed:
        return JsonResponse({"lines": []}, status=429)
    typed = prepared(request.POST.get("new_password", ""))
    if not typed:
        return JsonResponse({"lines": []})
    judgement = judged(typed, user)
    levels = {
        Strength.REFUSED: _("Not accepted yet"),
        Strength.WEAK: _("Weak"),
        Strength.ACCEPTABLE: _("Acceptable"),
        Strength.STRONG: _("Strong"),
    }
    level = levels[strength(typed, judgement.findings, judgement.worth)]
    shortest = policy_in_force().password_min_length
    reasons = [finding_words(finding, shortest=shortest) for finding in judgement.findings]
    return JsonResponse({"lines": [_("Password strength: %(level)s") % {"level": level}, *reasons]})
