"""The directories of an organisation: how this service reaches them, and what it may do there."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from console.forms.directories import (
    LARGEST_REQUEST,
    PASSWORD_NEEDED,
    SECTIONS,
    DirectoryForm,
)
from console.forms.directory_words import KIND_NAMES
from console.queries import directories as queries
from console.views.directory_words import failure_words
from console.views.frame import FORM, POST, page, shown
from console.views.uploads import takes_file_in_memory
from directory.models import DirectoryAccount, DirectoryConnection, User
from directory.rules import DirectoryKind
from directory.services import connections as services
from directory.services.certificates import authorities_in
from tenants.roles import Permission


@page(Permission.MANAGE_DIRECTORIES)
def directories(request: HttpRequest, _admin: User) -> HttpResponse:
    rows = [
        {
            "one": row.connection,
            "kind": KIND_NAMES.get(row.connection.kind, row.connection.kind),
            "people": row.people,
            "is_failing": row.is_failing,
            "failure": failure_words(row.connection.last_failure),
        }
        for row in queries.directories()
    ]
    kinds = [{"key": kind, "name": name} for kind, name in KIND_NAMES.items()]
    context = {"title": _("Directories"), "rows": rows, "kinds": kinds}
    return shown(request, "console/directories/list.html", context)


@sensitive_post_parameters()
@page(Permission.MANAGE_DIRECTORIES, FORM, fresh=True)
@takes_file_in_memory
def add(request: HttpRequest, admin: User, kind: str) -> HttpResponse:
    if kind not in set(DirectoryKind):
        raise Http404
    return _save(request, admin, DirectoryKind(kind), None)


@sensitive_post_parameters()
@page(Permission.MANAGE_DIRECTORIES, FORM, fresh=True)
@takes_file_in_memory
def change(request: HttpRequest, admin: User, directory_id: int) -> HttpResponse:
    row = get_object_or_404(DirectoryConnection.objects, pk=directory_id)
    return _save(request, admin, DirectoryKind(row.kind), row)


def _save(
    request: HttpRequest, admin: User, kind: DirectoryKind, row: DirectoryConnection | None
) -> HttpResponse:
    form = DirectoryForm(
        request.POST or None,
        request.FILES or None,
        kind=kind,
        connection=row,
    )
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_REQUEST:
        form.add_error("ca_file", _("The file is too large for a certificate."))
    elif form.is_valid():
        password = form.cleaned_data["bind_password"]
        try:
            saved = services.save_connection(
                row or kind, form.settings, password=password, actor_id=admin.pk
            )
        except services.DirectoryNameTaken:
            form.add_error("name", _("Another directory has this name."))
        except services.PasswordNeeded:
            form.add_error("bind_password", PASSWORD_NEEDED)
        except DirectoryConnection.DoesNotExist:
            raise Http404 from None
        else:
            messages.success(request, _("The directory is saved."))
            if saved.users:
                words = ngettext(
                    "This changes for %(count)s person whether they can reset their password here.",
                    "This changes for %(count)s people whether they can reset their password here.",
                    saved.users,
                )
                messages.info(request, words % {"count": saved.users})
            return redirect("console:directory", saved.connection.pk)
    context = {
        "title": row.name if row else _("Add: %(kind)s") % {"kind": KIND_NAMES[kind]},
        "form": form,
        "sections": [
            {"key": key, "title": title, "fields": [form[name] for name in names]}
            for key, title, names in SECTIONS
        ],
        "directory": row,
        "authorities": authorities_in(row.ca_certificates) if row else [],
    }
    return shown(request, "console/directories/directory.html", context)


@page(Permission.MANAGE_DIRECTORIES, POST, fresh=True)
def up(_request: HttpRequest, admin: User, directory_id: int) -> HttpResponse:
    try:
        services.move_up(directory_id, actor_id=admin.pk)
    except DirectoryConnection.DoesNotExist:
        raise Http404 from None
    return redirect("console:directories")


@page(Permission.MANAGE_DIRECTORIES, FORM, fresh=True)
def delete(request: HttpRequest, admin: User, directory_id: int) -> HttpResponse:
    row = get_object_or_404(DirectoryConnection.objects, pk=directory_id)
    if request.method != "POST":
        count = DirectoryAccount.objects.filter(connection=row).count()
        context = {
            "title": _("Delete this directory?"),
            "directory": row,
            "refusal": _accounts_remain(count) if count else "",
        }
        return shown(request, "console/directories/delete.html", context)
    try:
        services.delete_connection(row.pk, actor_id=admin.pk)
        messages.success(request, _("The directory was deleted."))
    except services.AccountsRemain as remain:
        messages.error(request, _accounts_remain(remain.count))
        return redirect("console:directory", row.pk)
    except DirectoryConnection.DoesNotExist:
        pass  # Another administrator was faster.
    return redirect("console:directories")


def _accounts_remain(count: int) -> str:
    words = ngettext(
        "%(count)s account of this directory still belongs to a person here, so it can’t be"
        " deleted. Turn it off instead.",
        "%(count)s accounts of this directory still belong to people here, so it can’t be"
        " deleted. Turn it off instead.",
        count,
    )
    return words % {"count": count}
