"""Taking a file: to disk, or to memory if it may hold secrets, and no more than is accepted."""

from collections.abc import Callable
from functools import wraps

from django.core.files.uploadhandler import (
    MemoryFileUploadHandler,
    SkipFile,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from console.views.frame import Page
from directory.models import User
from verification.marks import takes_files


class BoundedUpload(TemporaryFileUploadHandler):
    """Keeps so many bytes, all files of the request together, and nothing of a larger file.

    A file that was too large looks like none, so a view asks `exceeded`. All fields arrive, also
    those behind the file.

    Source: OWASP ASVS 5.0 5.2.1; Django, "Modifying upload handlers on the fly".
    """

    def __init__(self, request: HttpRequest, *, max_bytes: int) -> None:
        super().__init__(request)
        self._left = max_bytes
        self.exceeded = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._left -= len(raw_data)
        if self._left < 0:
            self.exceeded = True
            # The rest is read and dropped: the fields behind the file are still to come.
            raise SkipFile
        super().receive_data_chunk(raw_data, start)


def takes_file(max_bytes: Callable[[], int]) -> Callable[[Page], Page]:
    """Put under `page`: gives the view a `BoundedUpload` as its last argument.

    Checking the CSRF token reads the request, so it waits until the handler is set.
    """

    def decorated(view: Page) -> Page:
        protected = csrf_protect(view)

        @takes_files
        @csrf_exempt
        @wraps(view)
        def entered(request: HttpRequest, user: User) -> HttpResponseBase:
            handler = BoundedUpload(request, max_bytes=max_bytes())
            request.upload_handlers = [handler]
            return protected(request, user, handler)

        return entered

    return decorated


def takes_file_in_memory(view: Page) -> Page:
    """Put under `page`: a file never reaches the disk. One that is too large looks like none.

    Checking the CSRF token reads the request, so it waits until the handler is set.
    """
    protected = csrf_protect(view)

    @takes_files
    @csrf_exempt
    @wraps(view)
    def entered(
        request: HttpRequest, user: User, *args: object, **kwargs: object
    ) -> HttpResponseBase:
        request.upload_handlers = [MemoryFileUploadHandler(request)]
        return protected(request, user, *args, **kwargs)

    return entered
