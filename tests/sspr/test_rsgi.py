"""The way in for the web server: what waits holds no thread, and nothing else changes."""

import asyncio
import inspect
import select
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from types import SimpleNamespace

import pytest
from django.core.exceptions import BadRequest
from django.http import HttpResponse, StreamingHttpResponse

from sspr import rsgi
from sspr.rsgi import Gateway, environ_of
from tests.attacks.test_requests import ASK_BY_THEMSELVES
from tests.registration.test_where_sign_in_leads import all_addresses
from tests.services.environment import environment
from tests.services.processes import free_port
from tests.services.site import Site
from verification.marks import does_take_files, view_at
from verification.rules.beat import AT_A_BEAT

MANY = 40


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """The web server alone, as a process of its own."""
    port = str(free_port())
    var, url = tmp_path_factory.mktemp("web"), f"http://localhost:{port}"
    site = Site(url, var, environment(var, SSPR_BASE_URL=url, PORT=port))
    site.manage("migrate", "--verbosity", "0")
    site.manage("collectstatic", "--noinput", "--verbosity", "0")
    site.start_web()
    yield int(port)
    site.stop()


def ask(port, method, path, body=None, headers=None, *, host="localhost"):
    connection = HTTPConnection("localhost", port, timeout=60)
    headers = {"Host": host, **(headers or {})}
    connection.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


def test_bodies_that_never_come_hold_up_no_other_request_and_end(web):
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("localhost", web), 60))
            for _ in range(MANY)
        ]
        for one in slow:
            one.sendall(b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nu")

        pages = [ask(web, "GET", path).status for path in ("/healthz", "/passwordreset", "/signin")]
        answered_before, _, _ = select.select(slow, [], [], 0)
        ends = [one.recv(100).split(b"\r\n")[0] for one in slow]

    assert pages == [200, 200, 200]
    assert not answered_before
    assert set(ends) == {b"HTTP/1.1 408 Request Timeout"}


@pytest.mark.parametrize(
    "beginning",
    [b"", b"P", b"GET / HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"],
    ids=["silent", "one letter", "half a line", "HTTP/2"],
)
def test_a_connection_without_a_request_ends_and_holds_up_no_other(web, beginning):
    with ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("localhost", web), 60))
            for _ in range(MANY)
        ]
        for one in idle:
            one.sendall(beginning)
        began = time.monotonic()

        answers = ask(web, "GET", "/healthz").status
        ends = [ended(one) for one in idle]
        took = time.monotonic() - began

    assert answers == 200
    assert set(ends) == {True}
    # The web server's own time, if none were set, would be thirty seconds.
    assert took < 25


def ended(connection):
    """Whether the server closed the connection, whatever it sent before."""
    with suppress(ConnectionError):
        while connection.recv(1000):
            pass
    return True


def test_a_body_that_is_too_large_is_refused_before_it_comes(web):
    with socket.create_connection(("localhost", web), 30) as large:
        large.sendall(b"POST /signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n")

        assert large.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_without_an_end_is_refused_when_it_is_too_large(web):
    head = b"POST /signin HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("localhost", web), 30) as endless:
        endless.sendall(head)
        with suppress(ConnectionError):
            for _ in range(9):
                endless.sendall(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")

        assert endless.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_form_that_comes_in_pieces_without_its_length_is_read(web):
    token = "t" * 32
    fields = f"csrfmiddlewaretoken={token}&username=&password=".encode()
    headers = {
        "Cookie": f"csrf={token}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Transfer-Encoding": "chunked",
    }

    assert ask(web, "POST", "/signin", iter([fields]), headers).status == 200


def test_pages_files_and_errors_come_as_before(web):
    page = ask(web, "GET", "/passwordreset?x=%EA%B0%80")
    style = page.text.partition('<link rel="stylesheet" href="')[2].partition('"')[0]

    assert page.status == 200
    assert ask(web, "GET", style).headers["Content-Type"].startswith("text/css")
    assert int(ask(web, "HEAD", style).headers["Content-Length"]) > 100
    assert ask(web, "GET", "/%FF").status == 404
    assert ask(web, "GET", "/healthz", host="elsewhere.example").status == 400


@dataclass
class Protocol:
    """A client as the web server shows it."""

    parts: list[bytes] = field(default_factory=list)
    answer: tuple[object, ...] = ()
    sent: list[bytes] = field(default_factory=list)
    stalls: bool = False
    every: float = 0.0
    held_back: asyncio.Event | None = None
    asked: bool = False

    def __aiter__(self):
        assert not self.asked, "granian gives the body once"
        self.asked = True
        return self

    async def __anext__(self):
        if self.held_back:
            await self.held_back.wait()
        if self.parts:
            await asyncio.sleep(self.every)
            return self.parts.pop(0)
        if self.stalls:
            await asyncio.sleep(60)
        raise StopAsyncIteration

    def response_bytes(self, status, headers, body):
        self.answer = (status, dict(headers), body)

    def response_str(self, status, headers, body):
        self.answer = (int(status), dict(headers), body)

    def response_stream(self, status, headers):
        self.answer = (status, dict(headers), None)
        return SimpleNamespace(send_bytes=self.take)

    async def take(self, part):
        self.sent.append(part)


class Headers(list[tuple[str, str]]):
    """Names may come more than once, as from the web server."""

    def items(self):
        return iter(self)


def scope(path="/", headers=(), **changed):
    plain = {
        "method": "GET",
        "path": path,
        "query_string": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": "127.0.0.1:8000",
        "client": "192.0.2.7:51066",
        "authority": None,
        "headers": Headers(headers.items() if isinstance(headers, dict) else headers),
    }
    return SimpleNamespace(**plain | changed)


def through(application, asked, protocol, *, threads=2):
    asyncio.run(Gateway(application, threads=threads).__rsgi__(asked, protocol))
    return protocol


async def until(happened):
    while not happened():  # noqa: ASYNC110  # it happens in another thread
        await asyncio.sleep(0.01)


def answering(read):
    """A WSGI application whose body is what `read` makes of the environ."""

    def application(environ, start):
        response = HttpResponse(read(environ))
        start("200 OK", list(response.items()))
        return response

    return application


def test_a_form_that_is_cut_short_is_not_taken_for_a_whole_one():
    asked = scope("/passwordreset/code", {"content-length": "13"}, method="POST")

    done = through(answering(lambda e: e["wsgi.input"].read()), asked, Protocol([b"code=123"]))

    assert done.answer[0] == 400


@pytest.mark.parametrize("path", sorted(ASK_BY_THEMSELVES))
def test_a_large_file_is_read_as_it_comes(path):
    parts = [b"x" * 50_000] * 3
    asked = scope(path, {"content-length": "150000"}, method="POST")

    done = through(answering(lambda e: e["wsgi.input"].read()), asked, Protocol([*parts]))

    assert done.answer[2] == b"".join(parts)


def upload():
    return scope("/admin/branding/", {"content-length": "150000"}, method="POST")


def reading(environ, start):
    """Reads a file as Django does, with its answers to errors of the client's."""
    try:
        return answering(lambda e: e["wsgi.input"].read())(environ, start)
    except BadRequest:
        start("400 Bad Request", [])
        return HttpResponse()


def test_a_file_that_stops_coming_ends(monkeypatch):
    monkeypatch.setattr(rsgi, "BODY_S", 0.2)

    assert through(reading, upload(), Protocol([b"x"], stalls=True)).answer[0] == 408


@pytest.mark.parametrize(
    ("name", "value"), [("UPLOAD_S", 0.5), ("SLOWEST", 1000)], ids=["all of it", "its rate"]
)
def test_a_file_that_comes_by_drops_ends(monkeypatch, name, value):
    monkeypatch.setattr(rsgi, "BODY_S", 0.3)
    monkeypatch.setattr(rsgi, "SLOWEST", 0)
    monkeypatch.setattr(rsgi, name, value)

    done = through(reading, upload(), Protocol([b"x"] * 50, every=0.1))

    assert done.answer[0] == 408
    assert done.parts


def test_files_that_come_slowly_leave_room_for_the_console():
    async def page_beside_files():
        gateway = Gateway(reading, threads=4)
        files = [Protocol([b"x"] * 2, held_back=asyncio.Event()) for _ in range(4)]
        tasks = [asyncio.create_task(gateway.__rsgi__(upload(), file)) for file in files]
        await until(lambda: any(file.asked for file in files))
        page = Protocol()
        await asyncio.wait_for(gateway.__rsgi__(scope("/admin/"), page), 60)
        ended_before = [task.done() for task in tasks]
        for file in files:
            file.held_back.set()
        await asyncio.gather(*tasks)
        return page, ended_before

    page, ended_before = asyncio.run(page_beside_files())

    assert page.answer[0] == 200
    assert not any(ended_before)


def test_only_the_pages_that_take_files_get_large_bodies():
    everywhere = all_addresses(without=frozenset())

    assert {one for one in everywhere if does_take_files(view_at(one))} == ASK_BY_THEMSELVES


def streaming(parts):
    def application(_environ, start):
        response = StreamingHttpResponse(parts)
        start("200 OK", [])
        return response

    return application


def test_a_long_answer_says_how_long_it_is_and_is_sent_in_parts():
    parts = [b"a" * 50_000, b"b" * 50_000]

    done = through(streaming(parts), scope(), Protocol())

    assert b"".join(done.sent) == b"".join(parts)
    assert len(done.sent) > 1
    assert done.answer[:2] == (200, {"content-length": "100000"})


def test_nothing_is_sent_of_a_long_answer_that_fails_on_its_way():
    def parts():
        yield b"a" * 100_000
        raise LookupError

    client = Protocol()
    with pytest.raises(LookupError):
        through(streaming(parts()), scope(), client)

    assert (client.answer, client.sent) == ((), [])


def test_answers_at_a_beat_wait_without_a_thread():
    """Twenty of them with two threads take one beat together, not ten."""
    beat_s = 1.0
    began = time.monotonic()
    gateway = Gateway(answering(lambda e: str(e.setdefault(AT_A_BEAT, beat_s))), threads=2)
    clients = [Protocol() for _ in range(20)]

    async def all_of_them():
        await asyncio.gather(*(gateway.__rsgi__(scope(), one) for one in clients))

    asyncio.run(all_of_them())

    assert beat_s <= time.monotonic() - began < 8 * beat_s
    assert all(one.answer[0] == 200 for one in clients)


def test_other_answers_wait_for_nothing(monkeypatch):
    waits = []
    monkeypatch.setattr(rsgi, "until_the_beat", lambda *about: waits.append(about) or 0.0)
    through(answering(lambda _environ: "ok"), scope(), Protocol())
    assert waits == []

    through(answering(lambda e: str(e.setdefault(AT_A_BEAT, 1.0))), scope(), Protocol())
    assert len(waits) == 1


def test_the_console_leaves_half_of_the_threads_to_others():
    release, waiting = threading.Event(), []

    def application(environ, start):
        if environ["PATH_INFO"].startswith("/admin/"):
            waiting.append(environ)
            release.wait(60)
        start("200 OK", [])
        return HttpResponse()

    async def portal_beside_the_console():
        gateway = Gateway(application, threads=4)
        pages = [
            asyncio.create_task(gateway.__rsgi__(scope("/admin/"), Protocol())) for _ in range(9)
        ]
        await until(lambda: len(waiting) >= 2)
        await asyncio.sleep(0.1)
        portal = Protocol()
        await asyncio.wait_for(gateway.__rsgi__(scope("/passwordreset"), portal), 30)
        at_work = len(waiting)
        release.set()
        await asyncio.gather(*pages)
        return portal, at_work

    portal, at_work = asyncio.run(portal_beside_the_console())

    assert portal.answer[0] == 200
    assert at_work == 2
    assert len(waiting) == 9


def test_a_header_with_an_underscore_is_not_taken_for_one_with_a_hyphen():
    environ = environ_of(scope(headers={"x_forwarded_for": "1.2.3.4", "x-real": "5"}))

    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_X_REAL"] == "5"


def test_lines_of_one_name_are_one_list_in_their_order():
    lines = [
        ("x-forwarded-for", "192.0.2.1"),
        ("cookie", "a=1"),
        ("x-forwarded-for", "198.51.100.2, 10.0.0.1"),
        ("cookie", "b=2"),
    ]

    environ = environ_of(scope(headers=lines))

    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1, 198.51.100.2, 10.0.0.1"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


@pytest.mark.parametrize("name", ["host", "content-type", "content-length"])
def test_a_request_that_says_twice_what_it_may_say_once_is_refused(name):
    asked = scope(headers=[(name, "1"), (name, "1")])

    assert through(answering(lambda _environ: "ok"), asked, Protocol()).answer[0] == 400


def test_a_request_with_two_hosts_is_refused_by_the_web_server(web):
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("localhost", web), 30) as doubled:
        doubled.sendall(head)

        assert doubled.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("client", "address"),
    [("192.0.2.7:51066", "192.0.2.7"), ("[2001:db8::7]:51066", "2001:db8::7")],
)
def test_the_address_of_the_client_is_its_own(client, address):
    assert environ_of(scope(client=client))["REMOTE_ADDR"] == address


def test_a_path_in_another_script_is_spelled_as_wsgi_spells_it():
    environ = environ_of(scope("/가", query_string="q=가"))

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/가"
    assert environ["QUERY_STRING"].encode("latin-1").decode() == "q=가"


@pytest.mark.parametrize(
    ("has_ended", "raised"),
    [(True, RuntimeError), (False, TimeoutError)],
    ids=["ended", "stopped"],
)
def test_what_is_asked_of_an_event_loop_that_ends_is_closed(has_ended, raised):
    async def part():
        return b"x"

    loop, asked = asyncio.new_event_loop(), part()
    if has_ended:
        loop.close()
    try:
        with pytest.raises(raised):
            rsgi._awaited(asked, loop, 0.1)
    finally:
        loop.close()

    assert inspect.getcoroutinestate(asked) == inspect.CORO_CLOSED
