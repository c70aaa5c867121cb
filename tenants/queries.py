"""Which organisation, and what it decided."""

from collections.abc import Collection

from django.utils.translation import get_language

from isolation.scope import NOBODY, current_tenant_id, known
from tenants.models import (
    CustomQuestion,
    Decisions,
    Domain,
    Group,
    GroupNesting,
    SwitchedOff,
    Tenant,
)
from tenants.policy import Bank, Policy, from_plain
from tenants.predefined_questions import PREDEFINED

POLICY = "policy"


def tenant_of(upn: str) -> Tenant | None:
    """The tenant that a user principal name belongs to. Asked before any is in force."""
    owner = Domain.unscoped.filter(name=upn.rpartition("@")[2]).values("tenant_id")
    return Tenant.objects.filter(pk__in=owner, enabled=True).first()


def tenant_by_slug(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()


def every_tenant() -> list[Tenant]:
    """For operators' commands."""
    return list(Tenant.objects.order_by("slug"))


def taken_domains(names: Collection[str]) -> list[str]:
    """Those of the domains that belong to a tenant already. Asked before any is in force."""
    owned = Domain.unscoped.filter(name__in=names).order_by("name")
    return list(owned.values_list("name", flat=True))


def tenant_in_force() -> Tenant:
    return known("tenant", lambda: Tenant.objects.get(pk=current_tenant_id()))


def lock_tenant() -> None:
    """Makes changes that count heads wait for each other, until the transaction ends."""
    Tenant.objects.select_for_update().get(pk=current_tenant_id())


def time_zone_in_force() -> str:
    """Where times are told: the organisation's zone, or UTC where no organisation is known."""
    return "UTC" if current_tenant_id() == NOBODY else tenant_in_force().time_zone


def policy_in_force() -> Policy:
    return known(POLICY, _policy)


def domain_names() -> set[str]:
    return set(Domain.objects.values_list("name", flat=True))


def unknown_groups(names: Collection[str]) -> list[str]:
    """Those of the names that no group of the tenant in force has."""
    known = Group.objects.filter(name__in=names).values_list("name", flat=True)
    return sorted(set(names) - set(known))


def questions() -> dict[str, str]:
    """Every question that anybody may have answered: id → text in the language in force."""
    texts = {qid: str(text) for qid, text in PREDEFINED.items()}
    return texts | {f"c{q.pk}": in_language(q.texts) for q in CustomQuestion.objects.order_by("pk")}


def questions_on_offer() -> dict[str, str]:
    """Those of the questions that people can choose now."""
    bank, texts = policy_in_force().question_bank, questions()
    off = set(SwitchedOff.objects.values_list("question_id", flat=True))
    custom = CustomQuestion.objects.filter(enabled=True).values_list("pk", flat=True)
    ids = [] if bank is Bank.CUSTOM else [qid for qid in PREDEFINED if qid not in off]
    if bank is not Bank.PREDEFINED:
        ids += [f"c{pk}" for pk in custom.order_by("pk")]
    return {qid: texts[qid] for qid in ids}


def with_outer_groups(group_ids: set[int]) -> set[int]:
    """The groups and every group that holds one of them, however deep. Loops do no harm."""
    outer_of: dict[int, set[int]] = {}
    for outer, inner in GroupNesting.objects.values_list("outer_id", "inner_id"):
        outer_of.setdefault(inner, set()).add(outer)
    found, new = set(group_ids), set(group_ids)
    while new:
        new = {outer for inner in new for outer in outer_of.get(inner, ())} - found
        found |= new
    return found


def with_inner_groups(names: Collection[str]) -> set[int]:
    """The groups of these names and every group in one of them, however deep."""
    inner_of: dict[int, set[int]] = {}
    for outer, inner in GroupNesting.objects.values_list("outer_id", "inner_id"):
        inner_of.setdefault(outer, set()).add(inner)
    found = set(Group.objects.filter(name__in=names).values_list("pk", flat=True))
    new = set(found)
    while new:
        new = {inner for outer in new for inner in inner_of.get(outer, ())} - found
        found |= new
    return found


def _policy() -> Policy:
    row = Decisions.objects.first()
    return from_plain(row.values) if row else Policy()


def in_language(texts: dict[str, str]) -> str:
    """The text in the language in force, or in whichever there is."""
    language = (get_language() or "en").split("-")[0]
    return texts.get(language) or next(iter(texts.values()), "")
