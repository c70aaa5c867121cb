"""Files are taken where a page asks for one, and nowhere else."""

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class NoFiles(FileUploadHandler):
    """Reads past every file that is sent.

    Django would write files of any size to the disk for anybody, before a view is asked. A page
    that wants one sets a handler of its own.

    Source: OWASP ASVS 5.0 5.2.1 (files no larger than can be processed without harm).
    """

    def new_file(self, *_args: object, **_kwargs: object) -> None:
        raise StopUpload(connection_reset=False)

    def receive_data_chunk(self, _raw_data: bytes, _start: int) -> None:
        return None

    def file_complete(self, _file_size: int) -> UploadedFile | None:
        return None
