import re
import stat
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command

from directory.models import User
from isolation.scope import in_tenant
from limits.models import Counter
from reset.queries.attempts import eligibility_facts, policy_for
from reset.refusals import Refusal, refusal_for
from sspr.demo.people import ANSWERS
from tenants.models import Tenant
from tenants.roles import Permission
from verification.queries import drawn_questions
from verification.queries.registered import method_rows_of
from verification.services.guesses import throttle_of
from verification.services.questions import are_right, draw

REFUSALS = {
    "admin": None,
    "helpdesk": None,
    "emma": None,
    "oliver": None,
    "sophie": Refusal.NOT_VERIFIABLE,
    "george": Refusal.NOT_ENABLED,
    "harry": Refusal.MANAGED_ELSEWHERE,
    "chloe": Refusal.TOO_MANY,
    "daniel": Refusal.NOT_VERIFIABLE,
    "lucy": None,
    "minji": None,
    "seojun": None,
    "jiwoo": Refusal.NOT_VERIFIABLE,
    "haeun": Refusal.NOT_ENABLED,
    "junho": Refusal.MANAGED_ELSEWHERE,
    "yujin": Refusal.TOO_MANY,
    "minjun": Refusal.NOT_VERIFIABLE,
    "sua": None,
}


@pytest.fixture
def demo(db, settings, tmp_path):
    settings.DEMO, settings.VAR = True, tmp_path
    return tmp_path / "demo-passwords.txt"


def seed():
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def passwords(printed):
    rows = [re.split(r"\s{2,}", line) for line in printed.splitlines()]
    return {row[1]: row[3] for row in rows if len(row) == 4 and "@" in row[1]}


def everything():
    rows = {
        model._meta.label: sorted(map(repr, rows_of(model).values_list()))
        for model in apps.get_models()
        if not model.__module__.startswith("django.")
    }
    return rows | {"counters": sorted(map(repr, Counter.objects.values_list()))}


def rows_of(model):
    return getattr(model, "unscoped", model.objects).all()


def test_everybody_meets_the_answer_that_they_stand_for(demo):
    seed()

    met = {}
    for tenant in Tenant.objects.all():
        with in_tenant(tenant.pk):
            for user in User.objects.all():
                throttled = throttle_of(user.pk) is not None
                found = eligibility_facts(
                    user, method_rows_of(user.pk), policy_for(user), throttled=throttled
                )
                met.setdefault(user.upn.partition("@")[0], set()).add(refusal_for(found))
    assert met == {name: {refusal} for name, refusal in REFUSALS.items()}


def test_locked_user_is_offered_to_be_unlocked(demo):
    seed()

    assert User.unscoped.get(upn="lucy@contoso.example").is_locked
    assert User.unscoped.get(upn="sua@hanbit.example").is_locked


def test_printed_passwords_are_the_right_ones(demo):
    printed = passwords(seed())

    assert len(printed) == 21
    for upn in ("admin@contoso.example", "minji@hanbit.example", "operator@service.example"):
        assert check_password(printed[upn], User.unscoped.get(upn=upn).password)
        assert len(printed[upn]) >= 16


def test_questions_are_answered_as_printed(demo):
    printed = seed()

    emma = User.unscoped.get(upn="emma@contoso.example")
    with in_tenant(emma.tenant_id):
        draw(emma.pk, 3, bank=set(ANSWERS))
        asked = {question: ANSWERS[question] for question in drawn_questions(emma.pk)}
        assert are_right(emma.pk, asked)
    assert all(answer in printed for answer in ANSWERS.values())


def test_operator_belongs_to_no_tenant(demo):
    seed()

    operator = User.unscoped.get(upn="operator@service.example")
    assert operator.tenant_id is None
    assert operator.has_permission(Permission.READ_AUDIT)


def test_passwords_are_kept_where_only_the_owner_reads(demo):
    printed = seed()

    assert stat.S_IMODE(demo.stat().st_mode) == 0o600
    assert demo.read_text() in printed


def test_second_run_changes_nothing_and_prints_the_same(demo):
    first = seed()
    before = everything()

    assert seed() == first
    assert everything() == before


def test_new_passwords_are_set_when_the_file_was_lost(demo):
    first = passwords(seed())
    demo.unlink()

    second = passwords(seed())

    user = User.unscoped.get(upn="emma@contoso.example")
    assert first[user.upn] != second[user.upn]
    assert check_password(second[user.upn], user.password)


def test_passwords_differ_from_installation_to_installation(demo):
    printed = list(passwords(seed()).values())

    kept_here = [password for password in printed if password != "(elsewhere)"]
    assert len(set(kept_here)) == len(kept_here)


def test_nothing_is_seeded_where_the_demo_is_off(demo, settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="SSPR_DEMO"):
        seed()
    assert not Tenant.objects.exists()
