"""An agent and a caller, each before a page of their own."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import READERS, what_is_wrong
from tests.services.browser import axe


@pytest.mark.parametrize("reader", READERS)
def test_a_caller_reads_out_the_number_and_is_helped(site, open_page, reader):
    organisation = people.found(
        site, people=3, language=reader["language"][:2], verify_callers="true"
    )
    helper = admins.appoint(site, organisation, "user1", "helpdesk")
    upn = organisation.upn("user2")
    agent, caller = open_page(**reader), open_page(**reader)
    admins.set_up(agent, helper)
    agent.goto(f"/admin/people/?q={upn}")
    people.follow(agent, f"#content a:has-text('{upn}')")

    people.follow(agent, "#content a[href$='/do/access-pass/']")
    wrong = what_is_wrong(agent)
    agent.check("[name=method][value=portal]")
    admins.go_on(agent)
    wrong += what_is_wrong(agent)
    people.sign_in(caller, upn)
    caller.goto("/security-info/caller")
    wrong += [str(one) for one in axe(caller)]
    people.go_on(caller)
    wrong += [str(one) for one in axe(caller)]
    agent.fill("[name=said]", caller.inner_text(".big").strip())
    admins.go_on(agent)
    wrong += [str(one) for one in axe(agent)]
    people.follow(agent, "#content a[href$='/do/access-pass/']")
    agent.fill("#content [name=note]", "ticket 12")
    admins.go_on(agent)

    assert agent.inner_text(".big code")
    assert wrong == []
