from verification.models.access_pass import AccessPass
from verification.models.authenticator import Authenticator
from verification.models.browser import RememberedBrowser
from verification.models.caller import CallerCheck
from verification.models.challenge import Challenge, Purpose
from verification.models.contact_notice import ContactNotice
from verification.models.lockout import SignInLockout
from verification.models.method import Answer, AuthenticationMethod
from verification.models.notice_link import NoticeLink
from verification.models.passkey import Passkey
from verification.models.recovery_code import RecoveryCode

__all__ = [
    "AccessPass",
    "Answer",
    "AuthenticationMethod",
    "Authenticator",
    "CallerCheck",
    "Challenge",
    "ContactNotice",
    "NoticeLink",
    "Passkey",
    "Purpose",
    "RecoveryCode",
    "RememberedBrowser",
    "SignInLockout",
]
