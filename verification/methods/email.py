"""A code by email."""

from django.utils.translation import gettext_noop

from tenants.policy import Factor, Method
from verification.methods.base import MethodModule, Registration
from verification.methods.typed_code import TYPED_CODE
from verification.services.challenges import open_challenge

EMAIL = MethodModule(
    options={Method.EMAIL: gettext_noop("Send a code to my email {masked}")},
    registrations={
        Factor.EMAIL: Registration(
            page="registration:email",
            registered_words=gettext_noop("Your email address is verified: %(masked)s"),
        ),
    },
    send_words=gettext_noop("Email me a code"),
    begin=open_challenge,
    verifier=TYPED_CODE,
    is_preselected=True,
)
