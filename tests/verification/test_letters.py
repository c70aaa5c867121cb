"""Mails as programs read them: headers of one line, and nothing taken for a phone number."""

import re
import uuid

import pytest
from django.core.mail import EmailMessage

from tenants.models import Tenant
from tests.builders import make_user
from tests.verification.test_challenges import ask
from verification.services import notices
from verification.services.notice_words import Notice


@pytest.mark.parametrize("name", ["Contoso\nLimited", "Contoso\r\nLimited", "Contoso\u2028Limited"])
def test_a_line_break_in_a_stored_name_loses_no_mail(contoso, mailroom, name):
    Tenant.objects.filter(pk=contoso.pk).update(name=name)
    notices.tell(make_user(), Notice.PASSWORD_CHANGED)

    (mail,) = mailroom.work()

    assert mail.sender_name == "Contoso Limited"
    assert "Contoso Limited" in mail.subject
    EmailMessage(mail.subject, mail.text, mail.sender_name, [mail.destination]).message()


def test_no_program_makes_a_phone_number_of_what_is_in_a_mail(contoso, mailroom):
    user = make_user()
    ask(user, uuid.uuid4())
    notices.tell(user, Notice.PASSWORD_CHANGED)

    mails = mailroom.work()

    assert len(mails) == 2
    for mail in mails:
        head = mail.html.partition("</head>")[0]
        assert re.search(r'<meta name="format-detection" content="[^"]*telephone=no', head)
