"""What the admin says about users, and which of them an administrator may act on."""

import pytest

from console.rules import (
    AdminAction,
    Blocker,
    PersonState,
    blocker_of,
    may_act,
    person_state,
    support_code,
)
from reset.refusals import Refusal
from tenants.roles import Permission, Role

ACTIONS = {
    # action: needs, dangerous, lets a user in, shows a secret, for many, to oneself
    "verify-caller": (Permission.HELP_PEOPLE, False, False, False, False, False),
    "clear": (Permission.HELP_PEOPLE, False, False, False, True, False),
    "unlock": (Permission.HELP_PEOPLE, False, False, False, False, False),
    "unfreeze": (Permission.HELP_PEOPLE, False, True, False, False, False),
    "reregister": (Permission.HELP_PEOPLE, False, False, False, True, True),
    "sign-out": (Permission.HELP_PEOPLE, False, False, False, True, True),
    "temporary-password": (Permission.HELP_PEOPLE, True, True, True, False, False),
    "access-pass": (Permission.HELP_PEOPLE, True, True, True, False, False),
    "revoke-pass": (Permission.HELP_PEOPLE, False, False, False, False, False),
    "disable": (Permission.MANAGE_PEOPLE, True, False, False, False, False),
    "enable": (Permission.MANAGE_PEOPLE, False, False, False, False, False),
}
HELPDESK, ADMIN, NONE = Role.HELPDESK, Role.TENANT_ADMIN, Role.NONE


@pytest.mark.parametrize("action", AdminAction)
def test_what_an_action_is(action):
    assert ACTIONS[action] == (
        action.permission,
        action.is_dangerous,
        action.lets_somebody_in,
        action.shows_a_secret,
        action.is_for_many,
        action.may_be_done_to_oneself,
    )


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("k3o7-x9qi", "K307X9Q1"),
        ("OIL0 OIL0", "01100110"),
        ("K307X9Q", ""),
        ("K307X9Q11", ""),
        ("K307X9Q!", ""),
        ("K307X9Qß", ""),
        ("K307X9Qé", ""),
        ("", ""),
    ],
)
def test_a_support_code_is_read_however_it_was_copied(typed, code):
    assert support_code(typed) == code


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"enabled": False, "frozen": True}, PersonState.DISABLED),
        ({"frozen": True, "in_scope": False}, PersonState.FROZEN),
        ({"in_scope": False, "throttled": True}, PersonState.OUT),
        ({"throttled": True, "capable": True}, PersonState.BLOCKED),
        ({"capable": True, "registered": False}, PersonState.CAPABLE),
        ({}, PersonState.PARTIAL),
        ({"registered": False}, PersonState.NONE),
    ],
)
def test_the_first_word_that_fits_is_said_about_a_user(facts, word):
    usual = {"enabled": True, "frozen": False, "in_scope": True, "throttled": False}

    assert person_state(**(usual | {"capable": False, "registered": True} | facts)) is word


@pytest.mark.parametrize(
    ("refusal", "facts", "blocker"),
    [
        (Refusal.TOO_MANY, {"enabled": False}, Blocker.PAUSED),
        (Refusal.MANAGED_ELSEWHERE, {"enabled": False}, Blocker.ELSEWHERE),
        (Refusal.NOT_VERIFIABLE, {"enabled": False, "frozen": True}, Blocker.DISABLED),
        (Refusal.NOT_VERIFIABLE, {"frozen": True}, Blocker.FROZEN),
        (Refusal.NOT_VERIFIABLE, {}, Blocker.METHODS),
        (Refusal.NOT_ENABLED, {"self_service_on": False, "in_scope": False}, Blocker.OFF),
        (Refusal.NOT_ENABLED, {"in_scope": False}, Blocker.OUT),
        (Refusal.NOT_ENABLED, {}, Blocker.ADMINISTRATOR),
    ],
)
def test_which_of_several_reasons_stands_in_the_way(refusal, facts, blocker):
    usual = {"enabled": True, "frozen": False, "self_service_on": True, "in_scope": True}

    assert blocker_of(refusal, **(usual | facts)) is blocker


@pytest.mark.parametrize(
    ("action", "actor", "subject", "on_oneself", "may"),
    [
        (AdminAction.CLEAR, HELPDESK, NONE, False, True),
        (AdminAction.CLEAR, HELPDESK, HELPDESK, False, False),
        (AdminAction.CLEAR, ADMIN, HELPDESK, False, True),
        (AdminAction.CLEAR, NONE, NONE, False, False),
        (AdminAction.DISABLE, HELPDESK, NONE, False, False),
        (AdminAction.DISABLE, ADMIN, NONE, False, True),
        (AdminAction.DISABLE, ADMIN, ADMIN, True, False),
        (AdminAction.SIGN_OUT, HELPDESK, HELPDESK, True, True),
        (AdminAction.SIGN_OUT, HELPDESK, HELPDESK, False, False),
    ],
)
def test_who_may_act_on_whom(action, actor, subject, on_oneself, may):
    assert may_act(action, actor, subject, on_oneself=on_oneself) is may
