"""Each finding of a test of a directory says what to do, and the guides what follows from it."""

import re

import pytest
from django.utils import translation

from console.views.directory_words import _COMMANDS, _WORDS, finding_words
from directory.connectors.ldap.rootdse import Flavour
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from directory.services.preflight.report import (
    GOOD,
    PreflightCode,
    PreflightFinding,
    PreflightReport,
    Severity,
)
from tests.services.environment import BASE

OF_THE_NETWORK = set(DirectoryFailure) - {
    DirectoryFailure.SERVICE_ACCOUNT_REFUSED,
    DirectoryFailure.NO_PEOPLE,
}
"""Why a server can't be reached, or a test stops."""


def words(code, failure=DirectoryFailure.NO_ANSWER, flavour=Flavour.OPENLDAP):
    row = DirectoryConnection(
        tenant_id=1, kind="ldap", base_dn="ou=people,dc=x", bind_dn="cn=svc,dc=x"
    )
    names = re.findall(r"%\((\w+)\)s", "".join(str(each) for each in _WORDS[code] if each))
    facts = {name: failure if name == "failure" else "1" for name in names}
    finding = PreflightFinding(code, Severity.ERROR, facts)
    return finding_words(finding, PreflightReport(flavour=flavour), row)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_it_says_what_to_do_unless_all_is_well(language):
    with translation.override(language):
        silent = {
            code
            for code in PreflightCode
            for failure in OF_THE_NETWORK
            if not words(code, failure).remedy
        }

    assert silent == GOOD


@pytest.mark.parametrize("flavour", Flavour)
def test_a_right_that_is_missing_comes_with_its_commands(flavour):
    shown = {code: words(code, flavour=flavour) for code in PreflightCode}
    of_rights = r"Let the service account|Grant the right|[Ii]t needs"
    missing = {code for code, each in shown.items() if re.search(of_rights, each.remedy)}

    assert {code for code, each in shown.items() if each.commands} == set(_COMMANDS)
    assert missing <= set(_COMMANDS)


@pytest.mark.parametrize("flavour", [Flavour.OPENLDAP, Flavour.DS389, Flavour.FREEIPA])
def test_no_command_lets_the_service_account_read_passwords(flavour):
    for code in _COMMANDS:
        rules = words(code, flavour=flavour).commands

        assert re.search(r"attrs=|filter=|targetattr=", rules)
        assert 'targetattr="*"' not in rules
        for attributes, rights in re.findall(r'targetattr="([^"]*)".*?allow \((.*?)\)', rules):
            assert "read" not in re.split(r"\W+", rights) or "userPassword" not in attributes
        for attributes, rights in re.findall(r" attrs=(\S+)\n  by dn.exact=\S+ (\S+)", rules):
            assert rights == "=w" or "userPassword" not in attributes


@pytest.mark.parametrize("guide", ["directories.md", "directories.ko.md"])
def test_the_guide_has_a_row_for_each(guide):
    rows = re.findall(r"^\| `(\w+)` \|", (BASE / "docs" / guide).read_text(), re.MULTILINE)

    assert set(rows) >= set(PreflightCode) - GOOD
    assert not set(rows) & GOOD
