"""Hints about the new password in the form that changes it."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from directory.models import User
from directory.views import password_hint
from registration.views.frame import even_while_frozen
from verification.marks import Stage, for_a_script, open_during


@for_a_script
@open_during(Stage.TEMPORARY_PASSWORD, Stage.REGISTER)
@sensitive_post_parameters("new_password")
@require_POST
@even_while_frozen
def change_password(request: HttpRequest, user: User) -> HttpResponse:
    return password_hint(request, user, counted_by=str(user.pk))
