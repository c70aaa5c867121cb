"""The policy: every setting on one page, and what a change does to people before it is saved."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.forms.policy import PolicyForm, too_few_questions
from console.forms.policy_words import choice, in_words, label
from console.queries import policy as queries
from console.queries.step_up import is_fresh
from console.views.csv_files import download
from console.views.frame import FORM, page, shown
from directory.models import User
from isolation.scope import current_tenant_id
from provisioning.rules.columns import COLUMNS
from provisioning.rules.csv_writing import csv_file
from tenants.policy import Policy, Questions, all_settings, from_plain, to_plain
from tenants.policy.declaration import Section
from tenants.policy.derived import FOR_ADMINISTRATORS
from tenants.policy.values import differences
from tenants.queries import policy_edition, policy_in_force
from tenants.queries.groups import group_names, unknown_groups
from tenants.queries.questions import enough_questions
from tenants.roles import Permission
from tenants.services import save_policy
from verification.clock import when
from verification.session import PendingPolicy, Session


@page(Permission.SET_POLICY, FORM)
def policy(request: HttpRequest, admin: User) -> HttpResponse:
    before, version = policy_in_force(), policy_edition()
    form = PolicyForm(request.POST or None, policy=before, version=version, groups=group_names())
    conflict = bool(request.POST) and request.POST.get("version") != version
    if form.is_valid() and not conflict:
        after, is_harmless = form.policy, queries.impact(before, form.policy).lose == 0
        # A change by which no user loses the reset is saved at once; others are shown first.
        if is_harmless and is_fresh(Session(request.session), admin):
            changed = save_policy(after, seen=version, actor_id=admin.pk)
            if changed is not None:
                return _saved(request, changed)
        _keep(request, after, seen=version)
        return redirect("console:policy-impact")
    if conflict:
        # The page shows what is in force now, so the next save may replace that.
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
                    form[name] for name, each in all_settings().items() if each.section is section
                ],
            }
            for section in Section
        ],
        "for_administrators": [
            {"label": label(name), "value": in_words(all_settings()[name], value)}
            for name, value in FOR_ADMINISTRATORS.items()
        ],
        "warnings": _warnings(before),
        "conflict": when(datetime.fromisoformat(version)) if conflict and version else "",
        "differences": _differences(before, form.policy) if conflict else [],
    }
    return shown(request, "console/policy/policy.html", context)


@page(Permission.SET_POLICY, FORM, fresh=True)
def impact(request: HttpRequest, admin: User) -> HttpResponse:
    """What the change that waits in this session would do, and a button to make it."""
    pending = _pending(request)
    if pending is None:
        return redirect("console:policy")
    after, seen = from_plain(pending.values), pending.version
    problem = ""
    if missing := unknown_groups(after.groups | after.excluded_groups):
        problem = _("The group “%(name)s” doesn’t exist.") % {"name": missing[0]}
    elif not enough_questions(after):
        problem = too_few_questions(after.questions_to_register)
    if problem:
        # An administrator deleted groups or questions while the change waited.
        messages.error(request, problem)
        return redirect("console:policy")
    if request.method == "POST":
        changed = save_policy(after, seen=seen, actor_id=admin.pk)
        if changed is not None:
            Session(request.session).pending_policy = None
            return _saved(request, changed)
    before, version = policy_in_force(), policy_edition()
    _keep(request, after, seen=version)
    context = {
        "title": _("What this change does"),
        "impact": queries.impact(before, after),
        "differences": _differences(before, after),
        "conflict": seen != version,
    }
    return shown(request, "console/policy/impact.html", context)


@page(Permission.SET_POLICY)
def impact_list(request: HttpRequest, _admin: User) -> HttpResponseBase:
    """All people who would lose the reset, as a file."""
    pending = _pending(request)
    if pending is None:
        return redirect("console:policy")
    after = from_plain(pending.values)
    losers = queries.who_would_lose(policy_in_force(), after, current_tenant_id())
    return download(csv_file(COLUMNS[:1], ([upn] for upn in losers)), "people.csv")


def _warnings(policy: Policy) -> list[str]:
    """What speaks against a policy that is allowed."""
    factors = {method.factor for method in policy.methods}
    weak_questions = _(
        "Security questions are weak: NIST and OWASP advise against them, and alone they fail"
        " WCAG 2.2 (3.3.8). Offer at least one other method."
    )
    one_method = _("Only one method is required: anyone who has the phone can reset the password.")
    only_codes = _(
        "Recovery codes are the only method, so no one can register: only people"
        " who verified another method for reset can create codes. Allow one more"
        " method."
    )
    only_phones = _("Phones are the only methods. People without a signal or abroad can’t reset.")
    warnings = {
        weak_questions: policy.questions is not Questions.OFF,
        one_method: policy.methods_required == 1,
        only_codes: bool(factors) and all(factor.is_set for factor in factors),
        only_phones: bool(factors) and all(factor.is_phone for factor in factors),
    }
    return [words for words, applies in warnings.items() if applies]


def _saved(request: HttpRequest, changed: list[str]) -> HttpResponse:
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
