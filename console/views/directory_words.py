"""What the admin says about a directory: why it failed, and what a test of it means."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from directory.rules import DirectoryFailure

_FAILURES: Mapping[str, Promise] = {
    DirectoryFailure.UNKNOWN_HOST: _("The name of the server has no address in DNS."),
    DirectoryFailure.NO_CONNECTION: _("The server refused the connection."),
    DirectoryFailure.NO_ANSWER: _("The server didn’t answer in time."),
    DirectoryFailure.CONNECTION_LOST: _("The server closed the connection."),
    DirectoryFailure.BUSY: _("The server says that it is busy."),
    DirectoryFailure.NO_TLS: _("The server didn’t offer TLS 1.2 or later."),
    DirectoryFailure.CERTIFICATE_UNTRUSTED: _("The server’s certificate isn’t trusted."),
    DirectoryFailure.CERTIFICATE_NAME: _("The server’s certificate is for another name."),
    DirectoryFailure.CERTIFICATE_EXPIRED: _("The server’s certificate has expired."),
    DirectoryFailure.SERVICE_ACCOUNT_REFUSED: _(
        "The directory refused the service account. Check its name and password, and whether it is"
        " locked or expired."
    ),
    DirectoryFailure.NO_PEOPLE: _("The service account sees no people below the base DN."),
    DirectoryFailure.REFUSED_HERE: _(
        "The directory answered too slowly, so the service waits before it tries again."
    ),
}


def failure_words(code: str) -> str:
    """A stored code in words; the code itself if a later version wrote it."""
    return str(_FAILURES.get(code, code))
