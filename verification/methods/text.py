"""A code by text message."""

from django.utils.translation import gettext_noop

from tenants.policy import Factor, Method
from verification.methods.base import MethodModule, Registration
from verification.methods.typed_code import TYPED_CODE
from verification.services.challenges import open_challenge

TEXT = MethodModule(
    options={
        Method.MOBILE_TEXT: gettext_noop("Text a code to my mobile {masked}"),
        Method.ALTERNATE_TEXT: gettext_noop("Text a code to my alternate phone {masked}"),
    },
    registrations={
        Factor.MOBILE_PHONE: Registration(
            page="registration:phone",
            registered_words=gettext_noop("Your phone is verified: %(masked)s"),
        ),
        Factor.ALTERNATE_PHONE: Registration(
            page="registration:alternate",
            registered_words=gettext_noop("Your phone is verified: %(masked)s"),
        ),
    },
    send_words=gettext_noop("Text me a code"),
    begin=open_challenge,
    verifier=TYPED_CODE,
)
