"""The broker in files, with a reader who always looks at the wrong moment."""

import multiprocessing
import threading

import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

import sspr.celery  # noqa: F401  # names the transport


@pytest.fixture
def broker(tmp_path):
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
    }
    return lambda: Connection("files://", transport_options=options)


def test_a_reader_never_sees_half_a_message(broker):
    total, got, done = 400, [], threading.Event()

    def write():
        with broker() as connection, connection.SimpleQueue("codes") as queue:
            for number in range(total):
                queue.put({"number": number, "padding": "x" * 20_000})
        done.set()

    with broker() as connection, connection.SimpleQueue("codes") as queue:
        writer = threading.Thread(target=write)
        writer.start()
        while not (done.is_set() and len(got) == total):
            try:
                message = queue.get(block=False)
            except queue.Empty:
                continue
            got.append(message.payload["number"])
            message.ack()
        writer.join()

    assert sorted(got) == list(range(total))


def test_many_processes_that_start_at_once_bind_the_same_queues(broker, tmp_path):
    def start(number):
        for name in ("codes", "bulk", f"own{number}"):
            with broker() as connection, connection.Producer() as producer:
                queue = Queue(name, Exchange("all"), routing_key=name)
                body = {"from": number}
                producer.publish(body, exchange="all", routing_key=name, declare=[queue])

    fork = multiprocessing.get_context("fork")
    starters = [fork.Process(target=start, args=(number,)) for number in range(8)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert [starter.exitcode for starter in starters] == [0] * 8
    assert len(list((tmp_path / "messages").glob("*.codes.msg"))) == 8
