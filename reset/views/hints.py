"""What is said of a new password while it is typed at the end of a reset."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from directory.views import password_hint
from reset.queries.attempts import AttemptState
from reset.rules import Step
from reset.views.frame import at
from verification.marks import for_a_script


@for_a_script
@sensitive_post_parameters("new_password")
@require_POST
@at(Step.NEW_PASSWORD)
def new_password(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """Only after the gates: no stranger learns what a user's password mustn't contain."""
    return password_hint(request, state.subject.user, counted_by=str(state.attempt.pk))
