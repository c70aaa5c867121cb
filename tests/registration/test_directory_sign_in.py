"""Signing in with the password of a directory outside."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.activities import Activity, EventReason
from audit.models import Event
from directory.connectors.base import NotPermitted, PasswordPolicy, Unreachable
from directory.models import DirectoryConnection, SignInName, User
from directory.rules import DirectoryFailure
from isolation.scope import evict
from limits.rules import Limit
from limits.services import count_from
from passwords import hashing
from tenants.models import Branding
from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.captcha import solved
from verification.models import SignInLockout
from verification.rules.captcha import Action
from verification.services import captcha

UNKNOWN = "unknown@contoso.example"
NOT_RIGHT = b"Your user ID or password is not correct"


@pytest.fixture
def office(directories):
    return directories.add()


@pytest.fixture
def server(directories, office):
    return directories[office]


@pytest.fixture
def person(directories, office):
    user = directories.person(office)
    make_email(user)
    return user


@pytest.fixture
def entry(server, person):
    return server.entries[person.upn]


@pytest.fixture(autouse=True)
def without_captcha(monkeypatch):
    monkeypatch.setattr(captcha, "suspicion_at_sign_in", lambda *_args, **_more: None)


def sign_in(upn="minji@contoso.example", password=PASSWORD, client=None, **more):
    client = client or Client()
    fields = {"username": upn, "password": password}
    return client.post("/signin", solved(fields, action=Action.SIGN_IN), **more)


def test_the_directorys_password_signs_in(person, server):
    assert sign_in().url == "/security-info"
    assert server.calls[:2] == ["check_password", "state"]


def test_a_wrong_password_and_a_password_of_ours_dont(person, server):
    DirectoryConnection.objects.update(lockout_threshold=5)
    person.set_password("another of ours")
    person.save()

    assert NOT_RIGHT in sign_in(password="wrong horse").content
    assert NOT_RIGHT in sign_in(password="another of ours").content


@pytest.mark.parametrize("change", ["disabled there", "disabled here", "locked", "gone"])
def test_no_answer_says_why_a_right_password_is_refused(person, server, entry, change):
    match change:
        case "disabled there":
            entry.enabled = False
        case "disabled here":
            User.objects.filter(pk=person.pk).update(enabled=False)
        case "locked":
            entry.locked = True
        case _:
            del server.entries[person.upn]

    page = sign_in()

    assert page.status_code == 200
    assert NOT_RIGHT in page.content


def test_an_expired_password_signs_in_as_far_as_the_page_that_changes_it(person, server, entry):
    entry.must_change = True
    client = Client()

    assert sign_in(client=client).url == "/changepassword"
    assert client.get("/security-info").url == "/changepassword"
    page = client.post(
        "/changepassword",
        {
            "password": PASSWORD,
            "new_password": "correct horse battery staple",
            "confirm_password": "correct horse battery staple",
        },
    )

    assert page.url == "/security-info"
    assert server.entries[person.upn].password == "correct horse battery staple"
    assert client.get("/security-info").status_code == 200


HERE = "here@contoso.example"


@pytest.mark.parametrize("upn", ["minji@contoso.example", UNKNOWN, HERE])
def test_an_unreachable_directory_is_said_alike_and_counts_alike(person, server, upn):
    make_user(HERE, password="another of ours")
    server.faults["check_password"] = [Unreachable()]

    page = sign_in(upn)

    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert "We can’t reach your organisation’s directory" in page.content.decode()
    assert sorted(SignInLockout.objects.values_list("failures", flat=True)) == [0, 1]
    failures = Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST
    assert count_from("127.0.0.1", failures) == 1
    (event,) = Event.objects.filter(activity=Activity.SIGN_IN_FAILED)
    assert event.reason == EventReason.DIRECTORY_UNREACHABLE


def test_a_password_that_is_kept_here_works_while_the_directory_is_unreachable(office, server):
    make_email(make_user("admin@contoso.example"))
    server.faults["check_password"] = [Unreachable()] * 2

    assert sign_in("admin@contoso.example", "wrong horse").status_code == 503
    assert sign_in("admin@contoso.example").url == "/security-info"


@pytest.mark.parametrize("down", ["neither", "first", "second", "both"])
def test_an_outage_tells_not_where_a_password_is_kept(directories, office, down):
    """Each gets the same answers, and as many, whatever can be asked of their directory."""
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)
    branch = directories.add("Branch", position=1, lockout_threshold=5, lockout_window_minutes=30)
    for connection, names in ((office, ("first", "both")), (branch, ("second", "both"))):
        if down in names:
            directories[connection].faults["check_password"] = [Unreachable()] * 90
            row = DirectoryConnection.objects.filter(pk=connection.pk)
            row.update(down_since=timezone.now(), last_failure=DirectoryFailure.NO_ANSWER)
    evict("directories")
    make_user(HERE, password="another of ours")
    directories.person(office)
    directories.person(branch, upn="branch@contoso.example")
    answers, counts = [], []

    for upn in ("minji@contoso.example", "branch@contoso.example", UNKNOWN, HERE):
        answers.append([sign_in(upn, f"wrong {number}").status_code for number in range(12)])
        counts.append(sorted(SignInLockout.objects.values_list("failures", flat=True)))
        SignInLockout.objects.all().delete()

    assert answers == [answers[0]] * 4
    assert counts == [counts[0]] * 4
    assert set(answers[0]) == {200 if down == "neither" else 503, 429}
    if down != "both":
        assert answers[0].count(429) == 9


def test_people_sign_in_while_another_directory_is_unreachable(directories, office, person):
    directories.add("Branch", position=1)
    row = DirectoryConnection.objects.filter(name="Branch")
    row.update(down_since=timezone.now(), last_failure=DirectoryFailure.NO_ANSWER)
    evict("directories")

    assert sign_in().url == "/security-info"


@pytest.mark.parametrize(("password", "hashes"), [("wrong horse", 1), ("wrong\xa0horse", 2)])
def test_known_and_unknown_user_ids_take_the_same_steps(
    person, server, monkeypatch, password, hashes
):
    make_user("here@contoso.example")
    make_user("elsewhere@contoso.example", connector="other")
    steps = []
    turn = hashing._a_turn
    monkeypatch.setattr(hashing, "_a_turn", lambda: steps.append("hash") or turn())
    called = server._called
    monkeypatch.setattr(server, "_called", lambda name: steps.append(name) or called(name))

    for upn in (person.upn, UNKNOWN, "here@contoso.example", "elsewhere@contoso.example"):
        steps.clear()
        sign_in(upn, password)
        assert steps == ["hash"] * hashes + ["check_password"], upn


def test_known_and_unknown_user_ids_run_the_same_statements(person, django_assert_max_num_queries):
    def statements(upn):
        with django_assert_max_num_queries(100) as captured:
            sign_in(upn, "wrong horse")
        return len(captured)

    statements(UNKNOWN)  # what is read once and stays

    assert statements(person.upn) == statements("other@contoso.example")


@pytest.mark.parametrize("upn", ["minji@contoso.example", UNKNOWN])
def test_strangers_stop_before_the_directory_locks(person, server, entry, upn):
    server.threshold = 5
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)

    answers = [sign_in(upn, f"wrong horse {number}") for number in range(9)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 6
    assert server.calls.count("check_password") == 3
    assert not entry.locked


@pytest.mark.parametrize("upn", ["minji@contoso.example", UNKNOWN])
def test_strangers_stop_before_a_directory_locks_that_is_slow_to_answer(person, server, entry, upn):
    """It has counted what it was slow to answer; smart lockout doesn't count what isn't known."""
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)
    server.lost["check_password"] = 9

    answers = [sign_in(upn, f"wrong horse {number}").status_code for number in range(9)]

    assert answers == [503] * 3 + [429] * 6
    assert server.calls.count("check_password") == 3
    assert entry.wrong == (3 if upn == person.upn else 0)


def test_a_lock_is_noted_at_the_first_try_that_it_refuses(person, server):
    """A right password is no lock, however few may be wrong."""
    assert sign_in().url == "/security-info"
    DirectoryConnection.objects.update(lockout_threshold=3)
    sign_in()
    assert not Event.objects.filter(activity=Activity.SIGN_IN_LOCKED).exists()
    assert User.objects.get(pk=person.pk).locked_until is None

    for number in range(5):
        sign_in(password=f"wrong horse {number}")

    assert Event.objects.filter(activity=Activity.SIGN_IN_LOCKED).count() == 1
    assert User.objects.get(pk=person.pk).is_locked


def test_the_same_wrong_password_counts_every_time(person, server, entry):
    server.threshold = 5
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)

    for _ in range(9):
        sign_in(password="wrong horse")

    assert server.calls.count("check_password") == 3
    assert not entry.locked


def test_other_names_and_spellings_count_as_the_same_user(person, server, office, contoso, entry):
    office.sign_in_attributes = ["uid"]
    office.lockout_threshold, office.lockout_window_minutes = 5, 30
    office.save()
    SignInName.objects.create(user=person, name="kim.minji@contoso.example")
    names = ["minji@contoso.example", "Kim.Minji@contoso.example", " MINJI@contoso.example "]

    for number in range(9):
        sign_in(names[number % 3], f"wrong horse {number}")

    assert server.calls.count("check_password") == 3


def test_wrong_passwords_wait_as_long_as_the_directory_remembers_them(person, server, clock):
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)
    for number in range(4):
        sign_in(password=f"wrong horse {number}")
    clock.shift(timedelta(minutes=29))

    assert sign_in().status_code == 429
    clock.shift(timedelta(minutes=2))
    assert sign_in().url == "/security-info"


def test_a_known_browser_still_gets_in_and_all_pages_together_stay_below(person, server, entry):
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)
    server.threshold = 5
    own = signed_in(person)
    for number in range(9):
        sign_in(password=f"wrong horse {number}")
    for number in range(9):
        own.post(
            "/changepassword",
            {
                "password": f"wrong donkey {number}",
                "new_password": "correct horse battery staple",
                "confirm_password": "correct horse battery staple",
            },
        )

    assert entry.wrong == 4
    assert not entry.locked


def test_the_directorys_own_threshold_is_read_at_sign_in(person, office, server):
    server.threshold = 7

    sign_in()

    office.refresh_from_db()
    assert (office.lockout_threshold, office.lockout_window_minutes) == (7, 31)


def lockout_after(directories, office, *policies):
    """What counts after people with these rules have signed in one after the other."""
    for number, policy in enumerate(policies):
        upn = f"person{number}@contoso.example"
        make_email(directories.person(office, upn=upn))
        directories[office].entries[upn].policy = policy
        assert sign_in(upn).status_code == 302
    office.refresh_from_db()
    return office.lockout_threshold, office.lockout_window_minutes


def rules_of(threshold, window=30.0, *, is_own=False):
    return PasswordPolicy(lockout_threshold=threshold, lockout_window_minutes=window, is_own=is_own)


@pytest.mark.parametrize(
    "lenient", [rules_of(50, is_own=True), rules_of(0, is_own=True), rules_of(50), rules_of(0)]
)
def test_the_lenient_rules_of_a_person_dont_hold_for_others(directories, office, lenient):
    assert lockout_after(directories, office, rules_of(5), lenient) == (5, 31)

    answers = [sign_in("person0@contoso.example", f"wrong {n}").status_code for n in range(9)]

    assert answers == [200] * 3 + [429] * 6


def test_the_rules_of_a_single_person_tell_nothing_of_others(directories, office):
    lenient = rules_of(50, is_own=True)

    assert lockout_after(directories, office, lenient) == (None, None)


@pytest.mark.parametrize("first", [10, 0])
def test_the_stricter_rules_of_a_person_hold_for_all(directories, office, first):
    strict = rules_of(5, 60.0, is_own=True)

    assert lockout_after(directories, office, rules_of(first), strict) == (5, 61)


@pytest.mark.parametrize(("seconds", "minutes"), [(30, 2), (60, 2), (80, 3), (0, 0)])
def test_a_directory_remembers_for_no_less_than_it_says(directories, office, seconds, minutes):
    assert lockout_after(directories, office, rules_of(5, seconds / 60)) == (5, minutes)


def test_strangers_stop_before_a_directory_locks_that_tells_no_rules(person, server, entry):
    """389 Directory Server locks after 3 where nothing else was set."""
    server.threshold = 3

    for number in range(9):
        sign_in(password=f"wrong horse {number}")

    assert not entry.locked


@pytest.mark.parametrize(("window", "hours"), [(None, 1), (0, 24)], ids=["not known", "never"])
def test_how_long_wrong_passwords_count_where_the_directory_names_no_time(
    person, server, clock, window, hours
):
    DirectoryConnection.objects.update(lockout_window_minutes=window)
    for number in range(4):
        sign_in(password=f"wrong horse {number}")

    clock.shift(timedelta(hours=hours) - timedelta(seconds=1))
    assert sign_in().status_code == 429
    clock.shift(timedelta(seconds=2))
    assert sign_in().url == "/security-info"


def test_a_directory_that_never_locks_leaves_it_to_smart_lockout(person, server):
    DirectoryConnection.objects.update(lockout_threshold=0)

    answers = [sign_in(password=f"wrong horse {number}").status_code for number in range(6)]

    assert answers == [200] * 6


def test_a_password_that_was_changed_elsewhere_ends_the_sessions(person, server, entry):
    client = signed_in(person)
    assert client.get("/security-info").status_code == 200

    entry.password, entry.changed_at = "set elsewhere", timezone.now() + timedelta(seconds=1)
    other = Client()
    sign_in(password="set elsewhere", client=other)

    assert client.get("/security-info").status_code == 302
    assert other.get("/security-info").status_code == 200


def test_a_password_that_is_expired_no_more_needs_no_change(person, entry):
    entry.must_change = True
    assert sign_in().url == "/changepassword"
    entry.must_change, entry.changed_at = False, timezone.now()

    assert sign_in().url == "/security-info"


def test_a_directory_that_is_set_up_wrong_is_said_to_be_unreachable(person, server):
    server.faults["check_password"] = [NotPermitted("wrong certificate")]

    page = sign_in()

    assert page.status_code == 503
    assert "wrong certificate" not in page.text


@pytest.fixture
def at_own_host(office, contoso):
    office.sign_in_attributes = ["uid"]
    office.save()
    Branding.objects.update_or_create(defaults={"portal_host": "reset.contoso.example"})
    return {"headers": {"host": "reset.contoso.example"}}


def test_a_name_of_the_directory_signs_in_at_the_own_host(person, at_own_host, settings):
    settings.ALLOWED_HOSTS = ["*"]
    SignInName.objects.create(user=person, name="mkim")

    assert sign_in("MKim", **at_own_host).url == "/security-info"
    assert NOT_RIGHT in sign_in("mkim").content


def test_a_user_principal_name_wins_over_the_other_name_of_another(person, office, server):
    other = make_user("other@contoso.example")
    SignInName.objects.create(user=other, name=person.upn)

    client = Client()
    sign_in(client=client)

    assert client.session["_auth_user_id"] == str(person.pk)
