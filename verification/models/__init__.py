from verification.models.access_pass import AccessPass
from verification.models.browser import RememberedBrowser
from verification.models.caller import CallerCheck
from verification.models.challenge import Challenge, Purpose
from verification.models.contact_notice import ContactNotice
from verification.models.expiry_reminder import ExpiryReminder
from verification.models.lockout import SignInLockout
from verification.models.method import Answer, RegisteredMethod
from verification.models.notice_link import NoticeLink

__all__ = [
    "AccessPass",
    "Answer",
    "CallerCheck",
    "Challenge",
    "ContactNotice",
    "ExpiryReminder",
    "NoticeLink",
    "Purpose",
    "RegisteredMethod",
    "RememberedBrowser",
    "SignInLockout",
]
