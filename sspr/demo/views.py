"""What would have reached phones and mailboxes. Only where SSPR_DEMO is on, for every tenant."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from delivery.models import DemoMessage
from isolation.scope import in_tenant
from sspr.demo.mail import newest_mails
from verification.services.calls import type_number

_NEWEST = 30


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    messages = DemoMessage.unscoped.order_by("-created_at", "-pk")[:_NEWEST]
    return render(request, "demo/outbox.html", {"sent": messages, "mails": newest_mails()})


@require_POST
def answer(request: HttpRequest, message_id: int) -> HttpResponse:
    """Answers a call of the demo and types digits, as on a phone."""
    message = get_object_or_404(DemoMessage.unscoped, pk=message_id, kind="call")
    challenge_id = message.voice_url.rpartition("/")[2]
    with in_tenant(message.tenant_id):
        digits = request.POST.get("digits", "").strip().removesuffix("#")
        type_number(uuid.UUID(challenge_id), digits)
    return redirect("demo-outbox")
