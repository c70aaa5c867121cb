"""Taking a file: to disk and not to memory, and no more of it than is welcome."""

from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest


class Bounded(TemporaryFileUploadHandler):
    """Stops at so many bytes, all files of the request together.

    A view that sets it must be `csrf_exempt` and check the token by itself afterwards: the check
    reads what was sent, and with it the files.

    Source: OWASP ASVS 5.0 5.2.1; Django, "Modifying upload handlers on the fly".
    """

    def __init__(self, request: HttpRequest, *, most_bytes: int) -> None:
        super().__init__(request)
        self._left = most_bytes
        self.exceeded = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._left -= len(raw_data)
        if self._left < 0:
            self.exceeded = True
            # The rest is read and forgotten, so that the browser gets to show why.
            raise StopUpload(connection_reset=False)
        super().receive_data_chunk(raw_data, start)
