"""The policy: every setting on one page, and what a change does to people before it is saved."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from console.forms.policy import PolicyForm, too_few_questions
from console.forms.policy_words import choice, in_words, label
from console.queries import policy as queries
from console.queries.step_up import is_fresh
from console.services.policy import save_policy
from console.views.csv_files import download
from console.views.frame import freshly_proved, page, shown
from directory.models import User
from isolation.scope import current_tenant_id
from provisioning.rules.columns import COLUMNS
from provisioning.rules.csv_writing import csv_file
from tenants.policy import Policy, all_settings, from_plain, to_plain
from tenants.policy.declaration import Section
from tenants.policy.derived import FOR_ADMINISTRATORS
from tenants.policy.values import differences
from tenants.queries import enough_questions, policy_in_force, unknown_groups
from tenants.roles import Permission
from verification.clock import when
from verification.session import PendingPolicy, Session

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])
_WARNINGS = {
    "questions": gettext_lazy(
        "Security questions are weak: NIST and OWASP advise against them, and alone they fail"
        " WCAG 2.2 (3.3.8). Offer at least one other method."
    ),
    "one": gettext_lazy(
        "Only one method is required: anyone who has the phone can reset the password."
    ),
    "codes_only": gettext_lazy(
        "Recovery codes are the only method, so no one can register: only people who "
        "verified another method for reset can create codes. Allow one more method."
    ),
    "phone_only": gettext_lazy(
        "Phones are the only methods. People without a signal or abroad can’t reset."
    ),
}


@_GET_POST
@page(Permission.SET_POLICY)
def policy(request: HttpRequest, user: User) -> HttpResponse:
    before, version = policy_in_force(), queries.version()
    form = PolicyForm(
        request.POST or None, policy=before, version=version, groups=queries.group_names()
    )
    conflict = bool(request.POST) and request.POST.get("version") != version
    if form.is_valid() and not conflict:
        return _taken(request, user, before, form.policy, seen=version)
    if conflict:
        # The next save is made in the knowledge of what is in force now.
        form.data = request.POST.copy()
        form.data["version"] = version
    context = {
        "title": _("Policy"),
        "form": form,
        "sections": [
            {
                "key": section.value,
                "title": choice(section),
                "fields": [
                    form[name] for name, one in all_settings().items() if one.section is section
                ],
            }
            for section in Section
        ],
        "for_administrators": [
            {"label": label(name), "value": in_words(all_settings()[name], value)}
            for name, value in FOR_ADMINISTRATORS.items()
        ],
        "warnings": [_WARNINGS[name] for name in queries.warnings(before)],
        "conflict": when(datetime.fromisoformat(version)) if conflict and version else "",
        "differences": _differences(before, form.policy) if conflict else [],
    }
    return shown(request, "console/policy/policy.html", context)


@_GET_POST
@page(Permission.SET_POLICY)
@freshly_proved
def impact(request: HttpRequest, user: User) -> HttpResponse:
    """What the change that waits in this session does, and a button to make it."""
    pending = _pending(request)
    if pending is None:
        return redirect("console:policy")
    after, seen = from_plain(pending.values), pending.version
    if problem := _why_not(after):
        messages.error(request, problem)
        return redirect("console:policy")
    if request.method == "POST":
        changed = save_policy(after, seen=seen, actor_id=user.pk)
        if changed is not None:
            Session(request.session).pending_policy = None
            return _told(request, changed)
    before, version = policy_in_force(), queries.version()
    _keep(request, after, seen=version)
    context = {
        "title": _("What this change does"),
        "impact": queries.impact(before, after),
        "differences": _differences(before, after),
        "conflict": seen != version,
    }
    return shown(request, "console/policy/impact.html", context)


@require_safe
@page(Permission.SET_POLICY)
def impact_list(request: HttpRequest, _user: User) -> HttpResponseBase:
    """Everybody who would lose the reset, as a file."""
    pending = _pending(request)
    if pending is None:
        return redirect("console:policy")
    after = from_plain(pending.values)
    losers = queries.who_would_lose(policy_in_force(), after, current_tenant_id())
    return download(csv_file(COLUMNS[:1], ([upn] for upn in losers)), "people.csv")


def _taken(
    request: HttpRequest, user: User, before: Policy, after: Policy, *, seen: str
) -> HttpResponse:
    """Saves what takes nothing from anybody; everything else is looked at first."""
    if queries.impact(before, after).lose == 0 and is_fresh(Session(request.session), user):
        changed = save_policy(after, seen=seen, actor_id=user.pk)
        if changed is not None:
            return _told(request, changed)
    _keep(request, after, seen=seen)
    return redirect("console:policy-impact")


def _why_not(after: Policy) -> str:
    """What went away while the change waited; empty if nothing did."""
    if gone := unknown_groups(after.groups | after.excluded_groups):
        return _("The group “%(name)s” doesn’t exist.") % {"name": gone[0]}
    return "" if enough_questions(after) else too_few_questions(after.questions_to_register)


def _told(request: HttpRequest, changed: list[str]) -> HttpResponse:
    words = _("Policy saved. %(count)s settings changed.") % {"count": len(changed)}
    messages.success(request, words)
    return redirect("console:policy")


def _keep(request: HttpRequest, after: Policy, *, seen: str) -> None:
    Session(request.session).pending_policy = PendingPolicy(
        current_tenant_id(), seen, to_plain(after)
    )


def _pending(request: HttpRequest) -> PendingPolicy | None:
    pending = Session(request.session).pending_policy
    return pending if pending and pending.tenant_id == current_tenant_id() else None


def _differences(before: Policy, after: Policy) -> list[dict[str, object]]:
    """What changes, in the words of the page: label, old, new."""
    return [
        {
            "label": label(name),
            "old": in_words(all_settings()[name], getattr(before, name)),
            "new": in_words(all_settings()[name], getattr(after, name)),
        }
        for name in differences(before, after)
    ]
