"""A code by email."""

from django.utils.translation import gettext_noop

from tenants.policy import Method
from verification.methods.base import MethodModule
from verification.methods.typed_code import TYPED_CODE
from verification.services.challenges import open_challenge

EMAIL = MethodModule(
    options={Method.EMAIL: gettext_noop("Send a code to my email {masked}")},
    begin=open_challenge,
    verifier=TYPED_CODE,
    is_preselected=True,
)
