"""A browser for measuring. It sends forms as their pages carry them, and stops at a refusal."""

import http.client
import re
import time
from collections.abc import Callable, Mapping
from html import unescape
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlencode, urlsplit

_PATIENCE_S = 60
_KEPT_S = 5.0
"""How long a connection is used again. The service closes one that is idle for ten seconds."""
_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b([a-z-]+)="([^"]*)"')


class Refused(AssertionError):
    """A page wasn't shown, or a form didn't lead where it should."""


class Browser:
    """One user's browser on one connection, with cookies and the page that was shown last.

    Args:
        source: the address of loopback it comes from; limits count by it.
        timed: is told each request (`GET /path`) and how long its answer took, in seconds.
        think: waits as a user does before a form is sent.
    """

    def __init__(
        self,
        port: int,
        *,
        source: str,
        timed: Callable[[str, float], None] = lambda _r, _s: None,
        think: Callable[[], None] = lambda: None,
    ) -> None:
        self.requests, self.path, self.page, self._answered_at = 0, "", "", 0.0
        self._host, self._timed, self._think = f"localhost:{port}", timed, think
        self._cookies: dict[str, str] = {}
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=_PATIENCE_S, source_address=(source, 0)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str, *, leads_to: str = "") -> str:
        """Opens a page and gives it.

        Args:
            leads_to: pattern of the path that it must redirect to, which is opened then.

        Raises:
            Refused: it answered anything else.
        """
        status, location = self._ask("GET", path)
        if leads_to:
            return self._follow(path, status, location, leads_to)
        if status != HTTPStatus.OK:
            raise Refused(f"GET {path}: {status} {location}")
        return self.page

    def send(self, fields: Mapping[str, str], *, leads_to: str) -> str:
        """Sends the form of the last page that has these fields, and opens the page it leads to.

        Args:
            fields: what is typed; hidden fields are sent as the page has them.
            leads_to: pattern of the path that it must redirect to.

        Raises:
            Refused: there is no such form, or it led elsewhere.
        """
        self._think()
        action, hidden = self._form_with(fields)
        status, location = self._ask("POST", action, urlencode({**hidden, **fields}))
        return self._follow(action, status, location, leads_to)

    def _follow(self, path: str, status: int, location: str, leads_to: str) -> str:
        to = urlsplit(location).path
        if status != HTTPStatus.FOUND or not re.fullmatch(leads_to, to):
            raise Refused(f"{path}: {status} {location}, not {leads_to}\n{_words(self.page)}")
        return self.get(to)

    def _form_with(self, fields: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        for attributes, content in _FORM.findall(self.page):
            inputs = [dict(_ATTRIBUTE.findall(one)) for one in _INPUT.findall(content)]
            if {one.get("name") for one in inputs} >= fields.keys():
                action = dict(_ATTRIBUTE.findall(attributes)).get("action") or self.path
                hidden = {
                    one["name"]: unescape(one.get("value", ""))
                    for one in inputs
                    if one.get("type") == "hidden" and "name" in one
                }
                return action, hidden
        raise Refused(f"{self.path} has no form with {sorted(fields)}\n{_words(self.page)}")

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        headers = {"Host": self._host, "Origin": f"http://{self._host}"}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self._cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        if began - self._answered_at > _KEPT_S:
            self._connection.close()  # a request opens it anew
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        self.page = answer.read().decode()
        self._answered_at = time.perf_counter()
        self._timed(f"{method} {path}", self._answered_at - began)
        self.requests, self.path = self.requests + 1, path
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, cookie in SimpleCookie(line).items():
                self._cookies[name] = cookie.value
        return answer.status, answer.headers.get("Location", "")


def _words(page: str) -> str:
    """The beginning of a page's text, for error messages."""
    main = page.partition("<main")[2] or page
    return " ".join(re.sub(r"<[^>]*>", " ", main).split())[:600]
