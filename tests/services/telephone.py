"""The telephone at the other end of a call that the double of Twilio took."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class Answer:
    """What our site answered to a call-back."""

    status: int
    body: str


@dataclass(slots=True)
class Call:
    """A call that the double took, seen from the telephone that rings."""

    post: Callable[[str, Mapping[str, str]], Answer]
    sender: str
    sid: str
    to: str
    url: str
    status_callback: str
    send_digits: str
    twiml: ET.Element | None = None
    _asked_at: str = ""

    def fetch(self) -> str:
        """Pick up: Twilio asks our site what to say. Gives the TwiML.

        Raises:
            AssertionError: our site answered with an error or with no TwiML.
        """
        return self._ask(self.url)

    def type_digits(self, digits: str) -> str:
        """Type on the telephone what a <Gather> asked for; a final # only finishes it."""
        gather = self._gather()
        typed = digits.removesuffix(gather.get("finishOnKey", "#"))
        return self._ask(urljoin(self._asked_at, gather.get("action", "")), Digits=typed)

    def type_nothing(self) -> str:
        """Let the <Gather> run out: nothing is posted unless it asks for empty results."""
        gather = self._gather()
        if gather.get("actionOnEmptyResult") == "true":
            return self._ask(urljoin(self._asked_at, gather.get("action", "")), Digits="")
        assert self.twiml is not None
        redirect = self.twiml.find("Redirect")
        return self._ask(urljoin(self._asked_at, redirect.text)) if redirect is not None else ""

    def said(self) -> str:
        """All that the voice says in the TwiML at hand."""
        assert self.twiml is not None, "Nothing was fetched yet"
        return " ".join("".join(say.itertext()).strip() for say in self.twiml.iter("Say"))

    def is_asking(self) -> bool:
        """Whether the TwiML at hand waits for keys."""
        return self.twiml is not None and self.twiml.find(".//Gather") is not None

    def report(self, status: str, **more: str) -> Answer:
        """Call back that the call was `answered`, `completed`, `busy`, `no-answer` or `failed`."""
        return self.post(self.status_callback, {**self._fields(status), **more})

    def _gather(self) -> ET.Element:
        gather = None if self.twiml is None else self.twiml.find(".//Gather")
        assert gather is not None, "No <Gather> in the TwiML at hand"
        return gather

    def _ask(self, url: str, **more: str) -> str:
        answer = self.post(url, {**self._fields("in-progress"), **more})
        assert answer.status == HTTPStatus.OK, f"{answer.status} from {url}: {answer.body[:500]}"
        self.twiml = ET.fromstring(answer.body)
        self._asked_at = url
        assert self.twiml.tag == "Response", answer.body[:500]
        return answer.body

    def _fields(self, status: str) -> dict[str, str]:
        ends = {"From": self.sender, "To": self.to, "Called": self.to}
        return {"CallSid": self.sid, "CallStatus": status, "Direction": "outbound-api", **ends}
