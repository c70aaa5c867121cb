"""Files are accepted only by pages that have a field for one."""

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class NoFiles(FileUploadHandler):
    """Skips every file.

    Django would write files of any size to the disk, for any client, before a view runs. A page
    that accepts files sets its own handler.

    Source: OWASP ASVS 5.0 5.2.1 (files no larger than can be processed without harm).
    """

    def new_file(self, *_args: object, **_kwargs: object) -> None:
        raise StopUpload(connection_reset=False)

    def receive_data_chunk(self, _raw_data: bytes, _start: int) -> None:
        return None

    def file_complete(self, _file_size: int) -> UploadedFile | None:
        return None
