"""Where the audit log is sent, how far each destination has come, and its secret."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from audit.models import Head, Stream, StreamKind
from console.forms.directories import LARGEST_REQUEST
from console.forms.streams import FAILURES, KIND_NAMES, StreamForm
from console.services import streams as services
from console.views.frame import FORM, POST, page, shown
from console.views.uploads import takes_file_in_memory
from directory.models import User
from directory.services.certificates import authorities_in
from tenants.roles import Permission


@page(Permission.STREAM_AUDIT)
def streams(request: HttpRequest, _admin: User) -> HttpResponse:
    head = Head.objects.first() or Head()
    rows = [
        {
            "one": stream,
            "kind": KIND_NAMES.get(stream.kind, stream.kind),
            "backlog": max(0, head.number - max(stream.cursor, head.deleted_number)),
            "failure": FAILURES.get(stream.last_failure, ""),
            "needs_secret": stream.kind == StreamKind.WEBHOOK and not stream.secret,
        }
        for stream in Stream.objects.order_by("name")
    ]
    kinds = [{"key": kind, "name": name} for kind, name in KIND_NAMES.items()]
    context = {"title": _("Streams of the audit log"), "rows": rows, "kinds": kinds}
    return shown(request, "console/streams/list.html", context)


@page(Permission.STREAM_AUDIT, FORM, fresh=True)
@takes_file_in_memory
def add(request: HttpRequest, admin: User, kind: str) -> HttpResponse:
    if kind not in StreamKind.values:
        raise Http404
    return _save(request, admin, Stream(kind=kind))


@page(Permission.STREAM_AUDIT, FORM, fresh=True)
@takes_file_in_memory
def change(request: HttpRequest, admin: User, stream_id: int) -> HttpResponse:
    return _save(request, admin, get_object_or_404(Stream.objects, pk=stream_id))


def _save(request: HttpRequest, admin: User, stream: Stream) -> HttpResponse:
    form = StreamForm(request.POST or None, request.FILES or None, stream=stream)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_REQUEST:
        form.add_error("ca_file", _("The file is too large for a certificate."))
    elif form.is_valid():
        begin = form.cleaned_data.get("from_beginning", False)
        try:
            services.save(form.apply_to(stream), from_beginning=begin, actor_id=admin.pk)
        except services.StreamNameTaken:
            form.add_error("name", _("Another destination has this name."))
        except services.TooManyStreams:
            too_many = _("There can be %(most)d destinations. Delete one of them first.")
            form.add_error(None, too_many % {"most": services.MOST_STREAMS})
        else:
            messages.success(request, _("The destination is saved."))
            return redirect("console:streams")
    context = {
        "title": stream.name or str(KIND_NAMES[stream.kind]),
        "form": form,
        "stream": stream,
        "is_webhook": stream.kind == StreamKind.WEBHOOK,
        "edition": _edition(stream),
        "authorities": authorities_in(stream.ca_certificates) if stream.pk else [],
    }
    return shown(request, "console/streams/stream.html", context)


@page(Permission.STREAM_AUDIT, POST, fresh=True)
def secret(request: HttpRequest, admin: User, stream_id: int) -> HttpResponse:
    stream = get_object_or_404(Stream.objects, pk=stream_id, kind=StreamKind.WEBHOOK)
    if request.POST.get("rotated_at", "") != _edition(stream):
        # Sent again: the secret was shown once.
        return redirect("console:streams")
    context = {
        "title": _("Secret of the webhook"),
        "stream": stream,
        "secret": services.new_secret(stream, actor_id=admin.pk),
        "is_first": not stream.secret,
    }
    return shown(request, "console/streams/secret.html", context)


@page(Permission.STREAM_AUDIT, FORM, fresh=True)
def delete(request: HttpRequest, admin: User, stream_id: int) -> HttpResponse:
    stream = get_object_or_404(Stream.objects, pk=stream_id)
    if request.method == "POST":
        services.delete(stream, actor_id=admin.pk)
        messages.success(request, _("The destination was deleted."))
        return redirect("console:streams")
    context = {"title": _("Delete this destination?"), "stream": stream}
    return shown(request, "console/streams/delete.html", context)


def _edition(stream: Stream) -> str:
    return stream.rotated_at.isoformat() if stream.rotated_at else ""
