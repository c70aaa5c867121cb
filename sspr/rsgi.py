"""The server interface: granian speaks RSGI, Django's WSGI application answers.

The event loop does all the waiting, which there takes little memory: for slow bodies, for a free
thread, and for the moment at which some responses are sent. Django's threads never wait for those.

Source: RSGI 1.5; PEP 3333.
"""

import asyncio
import gc
import io
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope  # type: ignore[attr-defined]

from sspr.wsgi import application
from verification.marks import does_take_files, view_at
from verification.rules.beat import AT_A_BEAT, SERVER_WAITS, until_the_beat

_T = TypeVar("_T")
WSGIApplication = Callable[[dict[str, Any], Any], HttpResponseBase]

BODY_S = 10.0
"""How long a body may take to arrive; for a file, each part of it."""
UPLOAD_S, SLOWEST = 120.0, 16_384
"""The longest time for a whole file, and its lowest speed in bytes a second."""
_CONSOLE = "/admin"
_NEW_BEFORE_GC = 20_000
"""Objects. A request makes some thousands, and by default each 700 of them bring on a search."""
_MOST_AT_ONCE, _PART = 1_000_000, 65_536
_SINGLE_HEADERS = {"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH"}


class TooLarge(Exception):
    """The body is larger than this address accepts."""


class Truncated(Exception):
    """The body is shorter than its announced length."""


class TooSlow(BadRequest):
    """A file takes too long to arrive."""


class DuplicateHeader(Exception):
    """A header that may have only one value came twice."""


class Upload(io.RawIOBase):
    """A file as it arrives; a thread waits for its parts. Read it through a buffer."""

    is_too_slow = False

    def __init__(self, protocol: HTTPProtocol, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._parts = _parts_of(protocol)
        self._loop = loop
        self._rest = b""
        self._size, self._waited = 0, 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises `TooSlow`, which Django answers with an error of the client's."""
        if not self._rest:
            self._rest = self._next()
            self._size += len(self._rest)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _next(self) -> bytes:
        began = monotonic()
        try:
            in_time = self._waited <= BODY_S or self._size >= self._waited * SLOWEST
            within = min(BODY_S, UPLOAD_S - self._waited) if in_time else 0.0
            return _awaited(self._part(), self._loop, within)
        except TimeoutError:
            self.is_too_slow = True
            raise TooSlow from None
        finally:
            self._waited += monotonic() - began

    async def _part(self) -> bytes:
        async for part in self._parts:
            if part:
                return part
        return b""


async def _parts_of(protocol: HTTPProtocol) -> AsyncIterator[bytes]:
    """Iterates over the body once: granian doesn't allow a second iterator."""
    async for part in protocol:
        yield part


@dataclass(slots=True)
class WholeResponse:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Gateway:
    """Passes requests to threads, and responses back.

    Args:
        threads: for Django. The console gets half of them at most, so that its slow pages don't
            hold up people who reset their password. Uploads get half of those.
    """

    application: WSGIApplication
    threads: int
    _pool: ThreadPoolExecutor = field(init=False)
    _console: asyncio.Semaphore = field(init=False)
    _files: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="web")
        self._console = asyncio.Semaphore(max(1, self.threads // 2))
        self._files = asyncio.Semaphore(max(1, self.threads // 4))

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        loop = asyncio.get_running_loop()
        try:
            environ = environ_of(scope)
            async with asyncio.timeout(BODY_S):
                environ["wsgi.input"] = await _body(scope.path, environ, protocol, loop)
        except TimeoutError:
            return _refuse(protocol, HTTPStatus.REQUEST_TIMEOUT)
        except TooLarge:
            return _refuse(protocol, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (Truncated, DuplicateHeader):
            return _refuse(protocol, HTTPStatus.BAD_REQUEST)
        began = loop.time()
        upload = _upload_in(environ)
        async with (
            self._files if upload else nullcontext(),
            self._console if scope.path.startswith(_CONSOLE) else nullcontext(),
        ):
            answer = await loop.run_in_executor(self._pool, self._answer, environ, protocol, loop)
        if upload and upload.is_too_slow:
            return _refuse(protocol, HTTPStatus.REQUEST_TIMEOUT)
        if answer is None:
            return None
        if AT_A_BEAT in environ:
            await asyncio.sleep(until_the_beat(environ[AT_A_BEAT], began, loop.time()))
        protocol.response_bytes(answer.status, answer.headers, answer.body)
        return None

    def _answer(
        self, environ: dict[str, Any], protocol: HTTPProtocol, loop: asyncio.AbstractEventLoop
    ) -> WholeResponse | None:
        """Django's response, made in a thread; None if it was long and sent from there."""
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_exc_info: object) -> None:
            started.append((int(status.split(" ", 1)[0]), headers))

        response = self.application(environ, start)
        try:
            status, headers = started[0]
            if isinstance(response, StreamingHttpResponse) and _is_long(response):
                with SpooledTemporaryFile(_MOST_AT_ONCE) as whole:
                    # Complete before the first byte is sent: an error must not look like an end.
                    whole.writelines(response)
                    if not response.has_header("Content-Length"):
                        headers = [*headers, ("content-length", str(whole.tell()))]
                    whole.seek(0)
                    # Raised if the client went away, or doesn't read.
                    with suppress(TimeoutError, ProtocolClosed):
                        _send(whole, protocol.response_stream(status, headers), loop)
                return None
            return WholeResponse(status, headers, b"".join(response))
        finally:
            response.close()


def environ_of(scope: Scope) -> dict[str, Any]:
    """The WSGI environment of a request, without its body.

    A header with an underscore in its name is dropped: WSGI spells it like one with a hyphen, and a
    client could set `X_Forwarded_For`, which only a proxy may. Headers of the same name are joined,
    so that those of all proxies are read.

    Raises:
        DuplicateHeader: the request has two hosts, lengths or types.

    Source: RFC 9110 5.3 and 7.2; RFC 6265 5.4 (cookies).
    """
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _as_wsgi(scope.path),
        "QUERY_STRING": _as_wsgi(scope.query_string),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        SERVER_WAITS: True,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        if key in environ:
            if key in _SINGLE_HEADERS:
                raise DuplicateHeader
            environ[key] += f"{'; ' if key == 'HTTP_COOKIE' else ', '}{value}"
        else:
            environ[key] = value
    if scope.authority and "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority
    return environ


async def _body(
    path: str, environ: dict[str, Any], protocol: HTTPProtocol, loop: asyncio.AbstractEventLoop
) -> io.BufferedIOBase:
    """A small body in memory; a large one as it arrives, where a file may be sent.

    Raises:
        TooLarge: no file may be sent there.
        Truncated: it is shorter than announced.
    """
    most, length = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, environ.get("CONTENT_LENGTH")
    if int(length or 0) > most:
        if not does_take_files(view_at(path)):
            raise TooLarge
        return io.BufferedReader(Upload(protocol, loop))
    body = bytearray()
    async for part in protocol:
        body += part
        if len(body) > most:
            raise TooLarge
    if length and int(length) != len(body):
        raise Truncated
    environ["CONTENT_LENGTH"] = str(len(body))
    return io.BytesIO(body)


def _upload_in(environ: dict[str, Any]) -> Upload | None:
    body = getattr(environ["wsgi.input"], "raw", None)
    return body if isinstance(body, Upload) else None


def _send(
    whole: SpooledTemporaryFile[bytes], transport: Any, loop: asyncio.AbstractEventLoop
) -> None:
    async def send(part: bytes) -> None:
        await transport.send_bytes(part)

    while part := whole.read(_PART):
        _awaited(send(part), loop)


def _awaited(
    what: Coroutine[Any, Any, _T], loop: asyncio.AbstractEventLoop, within: float | None = None
) -> _T:
    """Runs a coroutine in the event loop and waits for its result in this thread.

    Args:
        within: seconds; `BODY_S` by default.

    Raises:
        TimeoutError: it took longer, or the event loop stopped.
        RuntimeError: the event loop has ended.
    """
    try:
        waiting = asyncio.run_coroutine_threadsafe(what, loop)
        try:
            return waiting.result(BODY_S if within is None else within)
        except TimeoutError:
            waiting.cancel()
            raise
    finally:
        if not loop.is_running():
            # The service ends, and the loop will never run it.
            what.close()


def _is_long(response: StreamingHttpResponse) -> bool:
    """Static files have a length; an export has none."""
    return int(response.headers.get("Content-Length", _MOST_AT_ONCE)) >= _MOST_AT_ONCE


def _refuse(protocol: HTTPProtocol, status: HTTPStatus) -> None:
    headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
    protocol.response_str(status, headers, status.phrase)


def _as_wsgi(text: str) -> str:
    return text.encode(errors="replace").decode("latin-1")


gateway = Gateway(application, threads=settings.WEB_THREADS)
# What is loaded by now stays, so the garbage collector needn't look at it in each search.
gc.freeze()
gc.set_threshold(_NEW_BEFORE_GC, 10, 10)
