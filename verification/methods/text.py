"""A code by text message."""

from django.utils.translation import gettext_noop

from tenants.policy import Method
from verification.methods.base import MethodModule
from verification.methods.typed_code import TYPED_CODE
from verification.services.challenges import open_challenge

TEXT = MethodModule(
    options={
        Method.MOBILE_TEXT: gettext_noop("Text a code to my mobile {masked}"),
        Method.ALTERNATE_TEXT: gettext_noop("Text a code to my alternate phone {masked}"),
    },
    begin=open_challenge,
    verifier=TYPED_CODE,
)
