from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from audit.activities import Activity
from audit.models import Event
from isolation.scope import in_tenant
from tenants.models import Branding, Domain, Group, PolicyRecord, Tenant
from tenants.policy import Method, Policy, Questions, Scope, to_plain
from tenants.policy.values import with_changes
from tenants.queries import forget_policy, policy_in_force, tenant_of, time_zone_in_force


def create(**changes):
    given = {
        "name": "Fabrikam",
        "slug": "fabrikam",
        "domain": ["fabrikam.example"],
        "country": "KR",
        "language": "ko",
    }
    options = [
        f"--{name.replace('_', '-')}={v}"
        for name, v in (given | changes).items()
        if not isinstance(v, list)
    ]
    options += [f"--domain={name}" for name in (given | changes)["domain"]]
    out = StringIO()
    call_command("create_tenant", *options, stdout=out)
    return out.getvalue()


def set_policy(*changes, tenant="contoso"):
    out = StringIO()
    call_command("set_policy", "--tenant", tenant, *changes, stdout=out)
    return out.getvalue().splitlines()


def test_new_tenant_is_found_by_each_of_its_domains(db):
    create(domain=["Fabrikam.Example", "한빛.example"])

    tenant = Tenant.objects.get(slug="fabrikam")
    assert tenant_of("kim@fabrikam.example") == tenant
    assert tenant_of("kim@xn--xx3br43b.example") == tenant
    assert (tenant.time_zone, tenant.country, tenant.language) == ("Asia/Seoul", "KR", "ko")


def test_a_domain_belongs_to_one_tenant(db):
    create(domain=["fabrikam.example"])

    with pytest.raises(CommandError):
        create(slug="other", domain=["fabrikam.example"])
    assert tenant_of("kim@fabrikam.example").slug == "fabrikam"


@pytest.mark.parametrize("host", ["fabrikam.example", "password.fabrikam.example"])
def test_no_tenant_is_founded_whose_domain_holds_the_portal_of_another(contoso, host):
    Branding.objects.create(portal_host=host)

    with pytest.raises(CommandError, match=f"{host} is the portal of another organisation"):
        create(domain=["fabrikam.example"])
    assert not Tenant.objects.filter(slug="fabrikam").exists()


def test_a_portal_in_a_nearer_domain_of_its_own_tenant_keeps_no_other_out(contoso):
    Domain.objects.create(name="contoso.group.example")
    Branding.objects.create(portal_host="password.contoso.group.example")

    create(domain=["group.example"])

    assert Tenant.objects.filter(slug="fabrikam").exists()


def test_no_user_of_a_new_tenant_may_reset_yet(db):
    create()

    with in_tenant(Tenant.objects.get().pk):
        assert policy_in_force() == Policy()
        assert policy_in_force().self_service is Scope.NONE
        assert policy_in_force().questions is Questions.OFF


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("DE", "Europe/Berlin"),
        ("gb", "Europe/London"),
        ("JP", "Asia/Tokyo"),
        ("IN", "Asia/Kolkata"),
        ("CN", "Asia/Shanghai"),
        ("FR", "Europe/Paris"),
    ],
)
def test_country_with_one_time_says_the_time_zone(db, country, zone):
    create(country=country)

    assert Tenant.objects.get().time_zone == zone


def test_time_zone_must_be_given_for_a_country_with_several(db):
    with pytest.raises(CommandError, match=r"^--time-zone: .*America/New_York"):
        create(country="us")
    create(country="us", time_zone="America/Chicago")

    assert Tenant.objects.get().time_zone == "America/Chicago"


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"slug": "contoso"}, "--slug"),
        ({"slug": "con toso"}, "--slug"),
        ({"slug": "x" * 41}, "--slug"),
        ({"name": " "}, "--name"),
        ({"short_name": "x" * 21}, "--short-name"),
        ({"domain": ["contoso.example"]}, "--domain"),
        ({"domain": ["fine.example", "CONTOSO.example"]}, "--domain"),
        ({"domain": ["localhost"]}, "--domain"),
        ({"domain": ["a b.example"]}, "--domain"),
        ({"domain": ["kim@contoso.com"]}, "--domain"),
        ({"country": "XX"}, "--country"),
        ({"country": "Korea"}, "--country"),
        ({"language": "tlh"}, "--language"),
        ({"time_zone": "Mars/Base"}, "--time-zone"),
        ({"country": "XK"}, "--time-zone"),
    ],
    ids=str,
)
def test_bad_option_is_named_in_one_line_and_nothing_is_founded(contoso, changes, option):
    with pytest.raises(CommandError, match=rf"^{option}: .*$") as refusal:
        create(**changes)

    assert "\n" not in str(refusal.value)
    assert Tenant.objects.count() == 1
    assert Domain.unscoped.count() == 1


def test_policy_changes_are_printed_one_to_a_line(contoso):
    printed = set_policy(
        "methods_required=2", "reset_methods=email,mobile_text", "questions=second"
    )

    assert printed == [
        "reset_methods: email,mobile_call,mobile_text,office_call → email,mobile_text",
        "methods_required: 1 → 2",
        "questions: off → second",
    ]
    policy = policy_in_force()
    assert policy.reset_methods == {Method.EMAIL, Method.MOBILE_TEXT}
    assert policy.methods_required == 2
    assert policy.questions is Questions.SECOND


def test_policy_that_stays_as_it_is_leaves_no_trace(contoso):
    assert set_policy("methods_required=1", "self_service=all") == ["nothing changed"]
    assert not Event.objects.filter(activity=Activity.POLICY_CHANGED).exists()


def test_policy_change_is_kept_with_its_old_and_new_value(contoso):
    set_policy("code_digits=6")

    event = Event.objects.get(activity=Activity.POLICY_CHANGED)
    assert event.details == {"setting": "code_digits", "old": "8", "new": "6"}


def test_whole_policy_is_printed_when_nothing_is_to_change(contoso):
    printed = set_policy()

    assert "self_service=all" in printed
    assert "notify_on_reset=yes" in printed
    assert set_policy(*printed) == ["nothing changed"]


def test_contradicting_policy_is_refused_whole(contoso):
    with pytest.raises(CommandError, match=r"^reset_methods: fewer factors"):
        set_policy("code_digits=6", "methods_required=2", "reset_methods=mobile_text,mobile_call")

    assert policy_in_force().code_digits == 8


OBJECTED = [
    "contact_url=javascript:alert(1)",
    "contact_address=nobody",
    "reset_methods=authenticator",
]


@pytest.mark.parametrize("change", OBJECTED)
def test_what_would_harm_users_is_refused(contoso, tmp_path, change):
    name, _, value = change.partition("=")
    file = tmp_path / "baseline.yaml"
    file.write_text(yaml.safe_dump({name: [value] if name == "reset_methods" else value}))
    before = policy_in_force()

    with pytest.raises(CommandError, match=f"^{name}: "):
        set_policy(change)
    with pytest.raises(CommandError, match="not changed: contoso"):
        call_command("import_policy", str(file), tenant=["contoso"], stderr=StringIO())

    assert policy_in_force() == before


@pytest.mark.parametrize("change", OBJECTED)
def test_what_is_refused_now_and_was_decided_before_stays_in_force(contoso, change):
    PolicyRecord.objects.update(values=to_plain(with_changes(policy_in_force(), [change])))
    forget_policy()

    assert set_policy("code_digits=6") == ["code_digits: 8 → 6"]
    assert change in set_policy()


@pytest.mark.parametrize("setting", ["groups", "excluded_groups"])
def test_group_that_there_is_not_is_refused(contoso, hanbit, setting):
    Group.objects.create(name="Staff")
    with in_tenant(hanbit.pk):
        Group.objects.create(name="Sales")

    with pytest.raises(CommandError, match=f"^{setting}: there is no group Sales$"):
        set_policy(f"{setting}=Staff,Sales")
    assert set_policy(f"{setting}=Staff") == [f"{setting}:  → Staff"]


def test_group_is_meant_in_any_case_and_width_and_named_as_it_is(contoso):
    Group.objects.create(name="Staff")

    assert set_policy("self_service=groups", "groups=ｓTAFF") == [
        "self_service: all → groups",
        "groups:  → Staff",
    ]


def test_policy_of_one_tenant_is_not_the_others(contoso, hanbit):
    set_policy("self_service=none", tenant="hanbit")

    assert policy_in_force().self_service is Scope.ALL


def test_unknown_tenant_is_refused(db):
    with pytest.raises(CommandError, match=r"^--tenant: "):
        set_policy(tenant="nobody")


def test_a_policy_asks_for_no_more_questions_than_are_on_offer(contoso):
    with pytest.raises(CommandError, match="question_bank: fewer than 5 on offer"):
        set_policy("questions=gate", "question_bank=custom")

    assert policy_in_force().questions is Questions.OFF


def test_the_time_zone_of_an_organisation_can_be_changed(contoso):
    out = StringIO()
    for _ in range(2):
        call_command("set_time_zone", "America/Chicago", "--tenant", "contoso", stdout=out)

    assert time_zone_in_force() == "America/Chicago"
    assert out.getvalue().splitlines() == [
        "Asia/Seoul → America/Chicago",
        "nothing changed",
    ]
    event = Event.objects.get(activity=Activity.TIME_ZONE_CHANGED)
    assert event.details == {"old": "Asia/Seoul", "new": "America/Chicago"}


@pytest.mark.parametrize(
    ("zone", "tenant", "option"),
    [("Mars/Base", "contoso", "ZONE"), ("", "contoso", "ZONE"), ("Asia/Seoul", "x", "--tenant")],
)
def test_an_unknown_time_zone_or_organisation_is_refused(contoso, zone, tenant, option):
    with pytest.raises(CommandError, match=f"^{option}: "):
        call_command("set_time_zone", zone, "--tenant", tenant)

    assert time_zone_in_force() == "Asia/Seoul"
