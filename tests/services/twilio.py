"""A double of Twilio's REST API: takes texts and calls, and calls our site back."""

import base64
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, TypeVar
from urllib.parse import parse_qsl, urlencode

from twilio.request_validator import RequestValidator

from tests.services.processes import wait_until
from tests.services.telephone import Answer, Call

ACCOUNT_SID = "AC" + "5" * 32
AUTH_TOKEN = "token-of-the-double"
_VERSION = "2010-04-01"
_MESSAGES_OF = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21205: "Url parameter is required.",
}


_Taken = TypeVar("_Taken", "Text", Call)


@dataclass(frozen=True, slots=True)
class Text:
    """A text message that the double took."""

    sid: str
    to: str
    body: str
    status_callback: str


@dataclass(slots=True)
class Twilio:
    """The provider: what it was asked for, and how it's to behave next."""

    url: str
    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    sender: str = "+15005550006"
    texts: list[Text] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    requests: int = 0
    _failures: deque[tuple[int, int]] = field(default_factory=deque)
    _delays: deque[float] = field(default_factory=deque)
    _given: set[str] = field(default_factory=set)

    @property
    def env(self) -> dict[str, str]:
        """What the service needs in its environment to use this double."""
        return {
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_FROM": self.sender,
            "TWILIO_API_BASE_URL": self.url,
        }

    def wait_for_text(self, to: str, timeout: float = 60) -> str:
        """The body of the next text to this number that wasn't yet given out.

        Raises:
            NotReady: none came within the timeout, in seconds.
        """
        wait_until(lambda: bool(self._new(self.texts, to)), what=f"Text to {to}", timeout=timeout)
        text = self._new(self.texts, to)[0]
        self._given.add(text.sid)
        return text.body

    def wait_for_call(self, to: str, timeout: float = 60) -> Call:
        """The next call to this number that wasn't yet given out; it rings: `call.fetch()`.

        Raises:
            NotReady: none came within the timeout, in seconds.
        """
        wait_until(lambda: bool(self._new(self.calls, to)), what=f"Call to {to}", timeout=timeout)
        call = self._new(self.calls, to)[0]
        self._given.add(call.sid)
        return call

    def texts_to(self, to: str) -> list[Text]:
        """All texts to this number, oldest first, given out or not."""
        return [text for text in self.texts if text.to == to]

    def fail_next(self, status: int = 500, code: int = 20500) -> None:
        """Refuse one more request, with this HTTP status and error code of Twilio's."""
        self._failures.append((status, code))

    def delay_next(self, seconds: float) -> None:
        """Take one more request, but answer it only after so long."""
        self._delays.append(seconds)

    def report(self, text: Text, status: str, **more: str) -> Answer:
        """Call back that a text was `sent`, `delivered`, `undelivered` or `failed`.

        Args:
            more: further fields, such as ErrorCode="30003".
        """
        sids = {"MessageSid": text.sid, "SmsSid": text.sid}
        states = {"MessageStatus": status, "SmsStatus": status}
        ends = {"From": self.sender, "To": text.to}
        return self.post(text.status_callback, {**sids, **states, **ends, **more})

    def post(self, url: str, fields: Mapping[str, str], *, signature: str | None = None) -> Answer:
        """A form posted to our site as Twilio posts it, signed by Twilio unless told otherwise."""
        form = {"AccountSid": self.account_sid, "ApiVersion": _VERSION, **fields}
        signed = RequestValidator(self.auth_token).compute_signature(url, form)
        headers = {"X-Twilio-Signature": signed if signature is None else signature}
        request = urllib.request.Request(url, urlencode(form).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.read().decode())

    def take(self, path: str, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        """What the API answers to a request that was authenticated."""
        self.requests += 1
        account = f"/{_VERSION}/Accounts/{self.account_sid}"
        resource = {f"{account}/Messages.json": "Messages", f"{account}/Calls.json": "Calls"}
        if path not in resource:
            return refusal_of(404, 20404)
        if self._failures:
            return refusal_of(*self._failures.popleft())
        if code := _wrong_with(form, resource[path]):
            return refusal_of(400, code)
        if resource[path] == "Messages":
            return self._take_text(form)
        return self._take_call(form)

    def pause(self) -> None:
        """Dawdle, when that was asked for."""
        if self._delays:
            time.sleep(self._delays.popleft())

    def _take_text(self, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        text = Text(
            f"SM{uuid.uuid4().hex}", form["To"], form["Body"], form.get("StatusCallback", "")
        )
        self.texts.append(text)
        own = {"body": text.body, "num_segments": "1", "num_media": "0", "date_sent": None}
        links = {"media": f"{self._uri('Messages', text.sid)}/Media.json"}
        more = {"messaging_service_sid": None, "error_code": None, "error_message": None}
        shared = self._shared(form, "Messages", text.sid)
        return HTTPStatus.CREATED, {**shared, **own, **more, "subresource_uris": links}

    def _take_call(self, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        call = Call(
            post=self.post,
            sender=self.sender,
            sid=f"CA{uuid.uuid4().hex}",
            to=form["To"],
            url=form["Url"],
            status_callback=form.get("StatusCallback", ""),
            send_digits=form.get("SendDigits", ""),
        )
        self.calls.append(call)
        own = {"to_formatted": call.to, "from_formatted": form["From"], "answered_by": None}
        times = {"start_time": None, "end_time": None, "duration": None, "queue_time": "0"}
        return HTTPStatus.CREATED, {**self._shared(form, "Calls", call.sid), **own, **times}

    def _shared(self, form: Mapping[str, str], kind: str, sid: str) -> dict[str, object]:
        now = formatdate()
        return {
            "sid": sid,
            "account_sid": self.account_sid,
            "api_version": _VERSION,
            "to": form["To"],
            "from": form["From"],
            "status": "queued",
            "direction": "outbound-api",
            "price": None,
            "price_unit": "USD",
            "date_created": now,
            "date_updated": now,
            "uri": f"{self._uri(kind, sid)}.json",
        }

    def _uri(self, kind: str, sid: str) -> str:
        return f"/{_VERSION}/Accounts/{self.account_sid}/{kind}/{sid}"

    def _new(self, taken: list[_Taken], to: str) -> list[_Taken]:
        return [one for one in taken if one.to == to and one.sid not in self._given]


@contextmanager
def twilio() -> Iterator[Twilio]:
    """The double on a free port of loopback; `twilio.env` points the service at it."""

    class Handler(_Handler):
        provider = Twilio("")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Handler.provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: ClassVar[Twilio]

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self._is_authenticated():
            status, body = self.provider.take(self.path, form)
            self.provider.pause()
        else:
            status, body = refusal_of(401, 20003)
        out = json.dumps(body).encode()
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(out)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests' output is for the tests."""

    def _is_authenticated(self) -> bool:
        pair = f"{self.provider.account_sid}:{self.provider.auth_token}".encode()
        return self.headers["Authorization"] == f"Basic {base64.b64encode(pair).decode()}"


def refusal_of(status: int, code: int) -> tuple[int, dict[str, object]]:
    """An error as Twilio words it."""
    told = _MESSAGES_OF.get(code, "An error occurred")
    more = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": told, "more_info": more, "status": status}


def _wrong_with(form: Mapping[str, str], kind: str) -> int:
    """The error code for a request that lacks something; 0 when nothing is wrong with it."""
    to = form.get("To", "")
    checks = [
        (to.startswith("+") and to[1:].isdigit(), 21211),
        ("From" in form, 21603),
        (kind == "Calls" or bool(form.get("Body")), 21602),
        (kind == "Messages" or "Url" in form, 21205),
    ]
    return next((code for right, code in checks if not right), 0)
