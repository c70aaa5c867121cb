"""Taking a file: to disk and not to memory, and no more of it than is welcome."""

from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest


class Bounded(TemporaryFileUploadHandler):
    """Keeps so many bytes, all files of the request together. Of a larger file nothing is left.

    A view asks `exceeded`: a file that was too large looks like none. The fields arrive all the
    same, those behind the file, too.

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
            # Read to its end and forgotten: what was typed below it is still to come.
            raise SkipFile
        super().receive_data_chunk(raw_data, start)
