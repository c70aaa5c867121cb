from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given

from audit.models import Event
from isolation.scope import in_tenant
from tenants.models import Group
from tenants.policy import Policy, Questions, Scope
from tenants.policy.values import as_yaml, from_yaml
from tenants.queries import policy_in_force
from tests.builders import make_tenant
from tests.reset.test_eligibility import policies


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def baseline(tmp_path):
    def write(text):
        path = tmp_path / "baseline.yaml"
        path.write_text(text)
        return str(path)

    return write


def policy_of(tenant):
    with in_tenant(tenant.pk):
        return policy_in_force()


@given(policy=policies)
def test_what_is_written_is_read_again(policy):
    assert from_yaml(as_yaml(policy), Policy()) == policy


def test_a_file_names_what_it_changes_and_leaves_the_rest():
    before = Policy(self_service=Scope.ALL, code_digits=6)

    after = from_yaml("questions: off\nreset_methods: [email]\n", before)

    assert (after.questions, after.code_digits) == (Questions.OFF, 6)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("code_digits: nine", "code_digits"),
        ("code_digits: true", "code_digits"),
        ("code_digits: 99", "code_digits"),
        ("notify_admins: 1", "notify_admins"),
        ("no_such: 1", "no_such"),
        ("questions: maybe", "questions"),
        ("reset_methods: email", "reset_methods"),
        ("reset_methods: [pigeon]", "reset_methods"),
        ("- a list", "NAME: VALUE"),
        ("a: [", "line"),
        ("!!python/object/apply:os.system [ls]", "YAML"),
        ("contact: url\ncontact_url: http://plain.example", "contact_url"),
    ],
)
def test_what_is_wrong_is_named(text, named):
    with pytest.raises(ValueError, match=named):
        from_yaml(text, Policy())


def test_one_baseline_for_every_organisation(db, baseline):
    first, second = make_tenant("first"), make_tenant("second")

    out, _ = run("import_policy", baseline("code_digits: 6"), "--all-tenants")

    assert "first: code_digits: 8 → 6" in out
    assert policy_of(first).code_digits == policy_of(second).code_digits == 6
    with in_tenant(first.pk):
        assert Event.objects.filter(details__setting="code_digits").exists()


def test_dry_run_shows_and_changes_nothing(db, baseline):
    tenant = make_tenant("first")

    out, _ = run("import_policy", baseline("code_digits: 6"), "--tenant", "first", "--dry-run")

    assert "code_digits: 8 → 6" in out
    assert policy_of(tenant).code_digits == 8
    with in_tenant(tenant.pk):
        assert not Event.objects.filter(details__setting="code_digits").exists()


def test_an_organisation_without_the_group_is_left_alone_and_named(db, baseline):
    has, lacks = make_tenant("has"), make_tenant("lacks")
    with in_tenant(has.pk):
        Group.objects.create(name="Pilot")
    file = baseline("self_service: groups\ngroups: [Pilot]\ncode_digits: 6")

    with pytest.raises(CommandError, match="not changed: lacks"):
        run("import_policy", file, "--all-tenants")

    assert policy_of(has).groups == {"Pilot"}
    assert policy_of(lacks).code_digits == 8


def test_dry_run_names_the_group_that_there_isnt(db, baseline):
    tenant = make_tenant("lacks")
    file = baseline("self_service: groups\ngroups: [Pilot]")

    with pytest.raises(CommandError, match="not changed: lacks"):
        run("import_policy", file, "--all-tenants", "--dry-run")

    assert policy_of(tenant).self_service is Scope.ALL


def test_export_is_what_import_takes(db, tmp_path):
    make_tenant("first", policy=Policy(self_service=Scope.ALL, code_digits=7))
    second = make_tenant("second")
    out, _ = run("export_policy", "--tenant", "first")
    (tmp_path / "p.yaml").write_text(out)

    run("import_policy", str(tmp_path / "p.yaml"), "--tenant", "second")

    assert policy_of(second) == Policy(self_service=Scope.ALL, code_digits=7)


@pytest.mark.parametrize("command", ["export_policy", "import_policy"])
def test_an_organisation_that_there_isnt_is_refused(db, baseline, command):
    file = [baseline("code_digits: 6")] if command == "import_policy" else []

    with pytest.raises(CommandError, match="no organisation nowhere"):
        run(command, *file, "--tenant", "nowhere")
