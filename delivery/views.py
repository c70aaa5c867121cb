"""Delivery reports of providers. They are signed, and only informative."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from delivery import services
from delivery.channels.twilio_signature import is_from_twilio


@csrf_exempt
@require_POST
def twilio_status(request: HttpRequest, outgoing_id: uuid.UUID) -> HttpResponse:
    fields = request.POST.dict()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not is_from_twilio(request.get_full_path(), fields, signature):
        return HttpResponse(status=403)
    sid = fields.get("CallSid") or fields.get("MessageSid") or ""
    status = fields.get("CallStatus") or fields.get("MessageStatus") or ""
    if sid:
        services.note_status(outgoing_id, sid, status)
    return HttpResponse(status=204)
