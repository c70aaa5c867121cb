"""Recovery codes as people meet them: made, saved, used, counted, taken away."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor
from reset.models import PassedGate
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.builders import (
    make_email,
    make_prefill,
    make_recovery_codes,
    of_kind,
    signed_in,
)
from tests.captcha import solved
from tests.console.people import code_now, with_app
from tests.pages import without_random
from verification.queries import codes_left
from verification.rules.recovery_codes import grouped
from verification.services.guesses import Throttled, count_a_guess
from verification.services.second_factor import remove_second_factor

WITH_CODES = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset({Method.AUTHENTICATOR, Method.EMAIL, Method.RECOVERY_CODE}),
)
NEW = "correct horse battery staple"
PAGE = "/ssprsetup/recovery-codes"


@pytest.fixture
def contoso_policy():
    return WITH_CODES


def proved(user) -> Client:
    """Signed in, with an app that was just proved."""
    with_app(user)
    client = signed_in(user)
    client.post("/security-info/proof", {"method": "authenticator"})
    client.post("/security-info/proof/verify", {"code": code_now()})
    return client


def shown(page) -> list[str]:
    return re.findall(r"<code>([0-9A-Z-]{29})</code>", page.text)


def hidden(page) -> str:
    found = re.search(r'name="codes" value="([^"]+)"', page.text)
    assert found
    return found[1]


def saved(client) -> list[str]:
    """The codes of a set that was made and saved by clicks."""
    page = client.post(PAGE)
    client.post(f"{PAGE}/save", {"codes": hidden(page), "saved": "on"})
    return shown(page)


def at_the_code(user) -> Client:
    """In front of the field for a recovery code, in a reset."""
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "recovery_code"})
    return client


def give(client, code, **more):
    return client.post("/passwordreset/recovery-code", {"code": code}, **more)


def test_codes_are_shown_once_and_count_once_they_are_saved(user, mailroom):
    client = proved(user)

    page = client.post(PAGE)
    answer = client.post(f"{PAGE}/save", {"codes": hidden(page), "saved": "on"}, follow=True)

    assert len(set(shown(page))) == 10
    assert "no-store" in page["Cache-Control"]
    assert not shown(answer)
    assert not shown(client.get(PAGE))
    assert "10 recovery codes left" in client.get("/security-info").text
    assert [mail.destination for mail in mailroom.work()] == [user.upn]
    assert Event.objects.filter(activity=Activity.METHOD_REGISTERED).exists()


def test_opening_the_page_makes_nothing(user):
    client = proved(user)

    page = client.get(PAGE)

    assert page.status_code == 200
    assert not of_kind(Factor.RECOVERY_CODE).exists()


def test_unless_they_are_said_to_be_saved_they_dont_count_and_are_shown_again(user):
    client = proved(user)
    page = client.post(PAGE)

    again = client.post(f"{PAGE}/save", {"codes": hidden(page)})

    assert "Confirm that you saved the codes" in again.text
    assert len(shown(page)) == 10
    assert shown(again) == shown(page)
    assert codes_left(user.pk) == 0


def test_codes_that_arent_ours_are_neither_shown_nor_kept(user):
    client = proved(user)
    client.post(PAGE)

    page = client.post(
        f"{PAGE}/save", {"codes": "<b>EVIL</b> " + "A" * 24, "saved": "on"}, follow=True
    )

    assert "EVIL" not in without_random(page.text)
    assert "A" * 24 not in page.text
    assert codes_left(user.pk) == 0


def test_codes_said_to_be_saved_much_later_dont_count(user):
    client = proved(user)
    page = client.post(PAGE)
    of_kind(Factor.RECOVERY_CODE).update(created_at=timezone.now() - timedelta(minutes=16))

    client.post(f"{PAGE}/save", {"codes": hidden(page), "saved": "on"})

    assert codes_left(user.pk) == 0


def test_they_arent_offered_as_anybodys_only_proof(user):
    client = signed_in(user)

    assert client.get(PAGE).url == "/ssprsetup"
    assert "Recovery codes" not in client.get("/ssprsetup").text


def test_what_an_administrator_entered_isnt_another_proof(user):
    make_prefill(user, Factor.EMAIL, "minji.home@mail.example")

    assert signed_in(user).get(PAGE).url == "/ssprsetup"


def test_they_arent_offered_where_the_policy_has_no_use_for_them(user):
    client = proved(user)
    change_policy(
        replace(WITH_CODES, reset_methods=WITH_CODES.reset_methods - {Method.RECOVERY_CODE})
    )

    assert client.get(PAGE).url == "/ssprsetup"


def test_without_a_fresh_proof_nobody_makes_codes(user):
    make_email(user)
    client = signed_in(user)

    assert client.get(PAGE).url == "/security-info/proof"
    assert client.post(PAGE).url == "/security-info/proof"
    assert not of_kind(Factor.RECOVERY_CODE).exists()


def test_a_new_set_replaces_the_old_one_and_people_hear_of_it(user, mailroom):
    client = proved(user)
    old = saved(client)
    new = saved(client)

    assert give(at_the_code(user), old[0]).status_code == 200
    assert give(at_the_code(user), new[0]).status_code == 302
    assert Event.objects.filter(activity=Activity.METHOD_CHANGED).exists()
    assert "changed" in " ".join(mail.subject for mail in mailroom.work())


def test_a_recovery_code_resets_a_password_and_the_next_page_says_how_many_are_left(user):
    make_email(user)
    codes = make_recovery_codes(user)
    client = at_the_code(user)

    page = give(client, f" {grouped(codes[0]).lower()} ", follow=True)
    client.post("/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW})

    assert page.request["PATH_INFO"] == "/passwordreset/new-password"
    assert "9 recovery codes left" in page.text
    again = Client().post("/signin", {"username": user.upn, "password": NEW})
    assert again.status_code == 302


def test_the_last_code_still_opens_what_it_was_given_for(user):
    make_email(user)
    *spent, last = make_recovery_codes(user)
    client = at_the_code(user)
    for code in spent[:9]:
        assert give(at_the_code(user), code).status_code == 302

    page = give(client, last, follow=True)

    assert page.request["PATH_INFO"] == "/passwordreset/new-password"
    assert "0 recovery codes left" in page.text


def test_using_one_is_told_and_written_down(user, mailroom):
    make_email(user)
    code = make_recovery_codes(user)[0]

    give(at_the_code(user), code)

    told = [mail.subject for mail in mailroom.work()]
    assert len(told) == 2
    assert all("recovery code was used" in subject for subject in told)
    event = Event.objects.get(activity=Activity.RECOVERY_CODE_USED)
    assert event.subject_id == user.pk
    assert not [e for e in Event.objects.all() if code in str(vars(e)).upper()]


def test_a_used_code_is_refused(user):
    make_email(user)
    code = make_recovery_codes(user)[0]
    first, second = at_the_code(user), at_the_code(user)

    assert give(first, code).status_code == 302
    page = give(second, code)

    assert "This recovery code is not correct or was already used." in page.text
    assert PassedGate.objects.count() == 1


def test_fifth_wrong_code_ends_the_challenge_and_the_right_one_is_kept(user):
    make_email(user)
    code = make_recovery_codes(user)[0]
    client = at_the_code(user)
    for _ in range(5):
        give(client, "0" * 24)

    page = give(client, code)

    assert "Too many attempts" in page.text
    assert not PassedGate.objects.exists()
    assert codes_left(user.pk) == 10


def test_guesses_over_many_attempts_pause_nobody(user):
    make_email(user)
    code = make_recovery_codes(user)[0]
    for _ in range(3):
        client = at_the_code(user)
        for _ in range(5):
            give(client, "0" * 24)

    give(client := at_the_code(user), code)

    assert client.get("/passwordreset/new-password").status_code == 200


def test_while_codes_by_mail_are_paused_those_on_paper_open_the_gate(user):
    make_email(user)
    code = make_recovery_codes(user)[0]
    use_up_the_guesses(user)

    client = at_the_code(user)
    offered = client.get("/passwordreset/verify").text
    give(client, code)

    assert 'value="recovery_code"' in offered
    assert 'value="email"' not in offered
    assert client.get("/passwordreset/new-password").status_code == 200


def test_whoever_has_nothing_else_waits_until_the_pause_is_over(user):
    make_email(user)
    use_up_the_guesses(user)

    page = Client().post("/passwordreset", solved({"username": user.upn}), follow=True)

    assert page.status_code == 429


def test_codes_alone_dont_pass_two_gates_during_a_pause(user):
    change_policy(replace(WITH_CODES, methods_required=2))
    make_email(user)
    make_recovery_codes(user)
    use_up_the_guesses(user)

    page = Client().post("/passwordreset", solved({"username": user.upn}), follow=True)

    assert page.status_code == 429


def use_up_the_guesses(user):
    with suppress(Throttled):
        while True:
            count_a_guess(user.pk)


def test_what_a_code_proved_dies_with_its_set(user):
    make_email(user)
    codes = make_recovery_codes(user)
    client = at_the_code(user)
    with time_machine.travel(timezone.now() - timedelta(seconds=5)):
        give(client, codes[0])
    make_recovery_codes(user)

    assert client.get("/passwordreset/new-password").url == "/passwordreset/verify"


def test_nobody_passes_both_gates_with_two_codes(user):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            methods_required=2,
            reset_methods=frozenset({Method.EMAIL, Method.RECOVERY_CODE}),
        )
    )
    make_email(user)
    codes = make_recovery_codes(user)
    client = at_the_code(user)
    page = give(client, codes[0], follow=True)

    second = client.post("/passwordreset/verify", {"method": "recovery_code"})

    assert "Verify it’s you once more" in page.text
    assert second.status_code == 200
    assert give(client, codes[1]).status_code in {200, 302}
    assert client.get("/passwordreset/new-password").url == "/passwordreset/verify"
    assert codes_left(user.pk) == 9


def test_a_recovery_code_is_a_fresh_proof(user):
    make_email(user)
    code = make_recovery_codes(user)[0]
    client = signed_in(user)
    assert client.get("/ssprsetup/email").url == "/security-info/proof"

    client.post("/security-info/proof", {"method": "recovery_code"})
    wrong = client.post("/security-info/proof/verify", {"code": "0" * 24})
    right = client.post("/security-info/proof/verify", {"code": grouped(code)})

    assert wrong.status_code == 200
    assert right.url == "/ssprsetup/email"
    assert "9 recovery codes left" in client.get("/ssprsetup/email").text


@pytest.mark.parametrize(("left", "warned"), [(4, False), (3, True), (0, True)])
def test_the_list_warns_when_few_are_left(user, left, warned):
    make_email(user)
    make_recovery_codes(user)
    spent = of_kind(Factor.RECOVERY_CODE).values_list("pk", flat=True)[: 10 - left]
    of_kind(Factor.RECOVERY_CODE).filter(pk__in=list(spent)).update(removed_at=timezone.now())

    page = signed_in(user).get("/security-info").text

    assert f"{left} recovery codes left" in page
    assert ("Create new recovery codes soon" in page) is warned


def test_codes_taken_away_open_nothing(user, mailroom):
    client = proved(user)
    codes = saved(client)
    mailroom.work()

    client.post("/security-info/remove/recovery_code")

    assert "method=recovery_code" not in client.get("/security-info").text
    assert at_the_code(user).get("/passwordreset/recovery-code").url == "/passwordreset/verify"
    assert give(at_the_code(user), codes[0]).status_code == 302
    assert not PassedGate.objects.exists()
    assert mailroom.work()


def test_codes_go_with_the_last_thing_that_they_were_beside(user):
    client = proved(user)
    saved(client)
    app = user.methods.get(kind=Factor.AUTHENTICATOR)

    client.post(f"/security-info/remove/{app.pk}")

    assert not of_kind(Factor.RECOVERY_CODE).exists()


def test_codes_go_with_the_second_factor_that_an_administrator_takes_away(user):
    with_app(user)
    make_recovery_codes(user)

    remove_second_factor(user, actor_id=Actor.COMMAND)

    assert not of_kind(Factor.RECOVERY_CODE).exists()


def test_codes_beside_an_address_stay_when_an_administrator_takes_the_apps_away(user):
    make_email(user)
    with_app(user)
    make_recovery_codes(user)

    remove_second_factor(user, actor_id=Actor.COMMAND)

    assert codes_left(user.pk) == 10


def test_codes_beside_what_no_longer_counts_still_do(user):
    make_email(user)
    make_recovery_codes(user)
    methods = frozenset({Method.MOBILE_TEXT, Method.RECOVERY_CODE})
    change_policy(Policy(self_service=Scope.ALL, reset_methods=methods))

    page = signed_in(user).get("/ssprsetup")

    assert "You’re ready" in page.text
    assert PAGE not in page.text
