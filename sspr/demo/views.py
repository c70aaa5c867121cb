"""The messages of the demo, of all tenants. Only if SSPR_DEMO is on."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from delivery.models import DemoMessage
from isolation.scope import in_tenant
from sspr.demo.mail import newest_mails
from verification.marks import Stage, open_during
from verification.models import Challenge
from verification.services import calls

_NEWEST = 30


@open_during(Stage.SECOND_FACTOR, Stage.REGISTER)
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    messages = DemoMessage.unscoped.order_by("-created_at", "-pk")[:_NEWEST]
    return render(request, "demo/outbox.html", {"sent": messages, "mails": newest_mails()})


@open_during(Stage.SECOND_FACTOR, Stage.REGISTER)
@require_POST
def answer(request: HttpRequest, message_id: int) -> HttpResponse:
    """Answers a call of the demo, and presses keys as on a phone."""
    message = get_object_or_404(DemoMessage.unscoped, pk=message_id, kind="call")
    challenge_id = uuid.UUID(message.voice_url.rpartition("/")[2])
    keys = request.POST.get("digits", "").strip()
    with in_tenant(message.tenant_id):
        # As providers do: the key that ends a number isn't part of it.
        pressed = calls.press(challenge_id, keys.removesuffix("#") or keys)
        if pressed is calls.Pressed.LISTENS:
            heard = calls.code_to_say(Challenge.objects.get(pk=challenge_id))
            DemoMessage.objects.filter(pk=message.pk).update(text=heard or "")
    return redirect("demo-outbox")
