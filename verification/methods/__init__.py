"""The methods, one module each. A new method is a module here and a line in `MODULES`.

What policies need to know of a method is declared in `tenants.policy.methods`.
"""

from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.methods.base import MethodModule, Verifier
from verification.methods.call import CALL
from verification.methods.email import EMAIL
from verification.methods.oath_token import OATH_TOKEN
from verification.methods.passkey import PASSKEY
from verification.methods.questions import QUESTIONS
from verification.methods.recovery_code import RECOVERY_CODE
from verification.methods.text import TEXT
from verification.methods.totp import TOTP
from verification.methods.typed_code import TYPED_CODE

MODULES = (PASSKEY, TOTP, OATH_TOKEN, EMAIL, TEXT, CALL, QUESTIONS, RECOVERY_CODE)
"""Strongest first."""
REGISTRATIONS = {
    factor: registration
    for module in MODULES
    for factor, registration in module.registrations.items()
}
FACTOR_OF_PAGE = {
    page: factor
    for factor, registration in REGISTRATIONS.items()
    for page in (registration.page, *registration.further_pages)
}
"""Which factor a page registers, by the page's name."""
DEVICE_PAGES = [
    registration.page.removeprefix("registration:")
    for registration in REGISTRATIONS.values()
    if registration.by_code
]
"""Last parts of the names and addresses of the pages that register devices by a code."""
VERIFIERS = {module.verifier.page: module.verifier for module in MODULES}
"""By the page on which each is answered."""
ENDED_BY_RESTORE = {
    what: condition for module in MODULES for what, condition in module.ended_by_restore.items()
}
_BY_METHOD = {method: module for module in MODULES for method in module.options}


def module_of(method: Method) -> MethodModule:
    return _BY_METHOD[method]


def verifier_of(method: Method) -> Verifier:
    """How an answer to the method is taken: a call may speak a code, which is typed back."""
    return TYPED_CODE if policy_in_force().is_typed_back(method) else module_of(method).verifier
