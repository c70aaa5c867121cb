"""A mail's headers are one line each, whatever the organisation is called."""

import pytest
from django.core.mail import EmailMessage

from tenants.models import Tenant
from tests.builders import make_user
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
