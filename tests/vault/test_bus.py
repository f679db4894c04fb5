"""The short way to the Secret Service: the same secrets as the usual way, or none."""

import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
import secretstorage
from hypothesis import given, settings
from hypothesis import strategies as st
from jeepney import (  # type: ignore[import-untyped]  # ships no types
    Endianness,
    Header,
    HeaderFields,
    Message,
    MessageFlag,
    MessageType,
    Parser,
)
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from hexauth.vault.backends import announce_bus
from hexauth.vault.bus import BYTES, Unusual
from hexauth.vault.bus import secrets as steps
from hexauth.vault.quick import BUS
from hexauth.vault.secret_service import SecretService
from tests.conftest import need
from tests.secret_service import Start, lock

USER = "user"
PATIENCE = 20

Answer = list[str | None] | type[Unusual]
Serve = Callable[[socket.socket], object]


def secrets(path: str, services: Sequence[str], user: str, seconds: float) -> list[str | None]:
    """Return what the reader yields at last."""
    *pauses, found = steps(path, services, user, seconds)
    assert found is not None
    assert set(pauses) == {None}
    return found


def asked(path: str, *services: str, seconds: float = PATIENCE) -> Answer:
    """Return the secrets of `services`, or `Unusual` if that was raised; both in time."""
    end = time.monotonic() + seconds + PATIENCE
    try:
        return secrets(path, services or ("service",), USER, seconds)
    except Unusual:
        return Unusual
    finally:
        assert time.monotonic() < end


def socket_of(environ: dict[str, str]) -> str:
    """Return the path of a bus's socket."""
    return environ[BUS].removeprefix("unix:path=")


# The real service


@pytest.fixture
def usual(unlocked: dict[str, str]) -> Iterator[SecretService]:
    """Hand out the usual way to an unlocked Secret Service."""
    announce_bus(unlocked, "linux")
    service = SecretService()
    yield service
    service._hang_up()


@pytest.fixture
def collection(unlocked: dict[str, str]) -> Iterator[secretstorage.Collection]:
    """Hand out the default collection, for items that other programs may have put there."""
    with open_dbus_connection(unlocked[BUS]) as connection:
        yield secretstorage.get_default_collection(connection)


VALUES = {"empty": "", "long": "x" * 100_000, "no ASCII": "grüße 🔑", "lines": "a\nb\0c"}


@pytest.mark.parametrize("service", VALUES)
def test_what_keyring_has_written_is_read(
    unlocked: dict[str, str], usual: SecretService, service: str
) -> None:
    usual.set_password(service, USER, VALUES[service])

    assert asked(socket_of(unlocked), service) == [usual.get_password(service, USER)]


def test_what_libsecret_has_written_is_read(unlocked: dict[str, str], usual: SecretService) -> None:
    tool = need("secret-tool", "libsecret-tools")
    words = [tool, "store", "--label=label", "service", "libsecret", "username", USER]
    subprocess.run(words, input=b"secret", env=unlocked, check=True)

    assert asked(socket_of(unlocked), "libsecret") == [usual.get_password("libsecret", USER)]


@pytest.mark.parametrize(
    "services",
    [(), ("absent",), ("one", "two"), ("two", "absent", "one"), ("absent", "gone"), ("one", "one")],
)
def test_each_service_has_its_own_secret_or_none(
    unlocked: dict[str, str], usual: SecretService, services: tuple[str, ...]
) -> None:
    for service in ("one", "two"):
        usual.set_password(service, USER, f"secret of {service}")
    usual.set_password("absent", "another", "secret of another")

    expected = [usual.get_password(service, USER) for service in services]
    assert secrets(socket_of(unlocked), services, USER, PATIENCE) == expected


def test_of_several_items_it_is_the_first(
    unlocked: dict[str, str], usual: SecretService, collection: secretstorage.Collection
) -> None:
    for number in range(5):
        attributes = {"service": "several", "username": USER, "number": str(number)}
        collection.create_item("label", attributes, b"secret %d" % number)

    assert asked(socket_of(unlocked), "several") == [usual.get_password("several", USER)]


def test_an_item_of_another_collection_is_not_found(
    unlocked: dict[str, str], usual: SecretService, collection: secretstorage.Collection
) -> None:
    path = "/org/freedesktop/secrets/collection/session"
    session = secretstorage.Collection(collection.connection, path)
    session.create_item("label", {"service": "elsewhere", "username": USER}, b"secret")

    assert asked(socket_of(unlocked), "elsewhere") == [usual.get_password("elsewhere", USER)]


def test_no_error_tells_what_was_read(
    unlocked: dict[str, str], collection: secretstorage.Collection
) -> None:
    """A secret that is no text is one that no error may quote."""
    attributes = {"service": "bytes", "username": USER}
    item = collection.create_item("label", attributes, b"s3cret\xff")

    with pytest.raises(Unusual) as caught:
        secrets(socket_of(unlocked), ["bytes"], USER, PATIENCE)
    item.delete()  # other tests read all that there is, as text
    assert "s3cret" not in repr(caught.value) + "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_a_locked_collection_is_unusual(secret_service: Start) -> None:
    """There would be no window to unlock it in, and no time."""
    with secret_service("password") as (environ, _):
        announce_bus(environ, "linux")
        SecretService().set_password("service", USER, "secret")
        lock(environ[BUS])

        assert asked(socket_of(environ)) is Unusual


def test_a_service_that_was_never_set_up_is_unusual(secret_service: Start) -> None:
    with secret_service(None) as (environ, _):
        assert asked(socket_of(environ)) is Unusual


def test_a_bus_without_a_service_is_unusual(secret_service: Start) -> None:
    with secret_service("password") as (environ, daemon):
        daemon.kill()
        daemon.wait()

        assert asked(socket_of(environ)) is Unusual


# A bus that says what it should, and one that does not


@contextmanager
def bus(serve: Serve) -> Iterator[str]:
    """Let `serve` talk to whoever connects; hand out the path of the socket."""
    # Below /tmp, since the path of a socket has 107 characters at most.
    with (
        tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        listening.bind(f"{folder}/bus")
        listening.listen()
        thread = threading.Thread(target=_accept, args=(listening, serve), daemon=True)
        thread.start()
        yield f"{folder}/bus"
        thread.join(PATIENCE)
        assert not thread.is_alive()


def _accept(listening: socket.socket, serve: Serve) -> None:
    connection, _ = listening.accept()
    with connection, suppress(OSError):  # whoever has heard enough hangs up
        serve(connection)


def listen(connection: socket.socket) -> bytes:
    """Return what is said until the other side hangs up."""
    heard = b""
    while data := connection.recv(1 << 16):
        heard += data
    return heard


def heard(data: bytes, *services: str) -> tuple[Answer, bytes]:
    """Return what is made of a bus that says `data` and no more, and what it has heard."""
    received = b""

    def serve(connection: socket.socket) -> None:
        nonlocal received
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = listen(connection)

    with bus(serve) as path:
        answer = asked(path, *services)
    return answer, received


def said(*messages: bytes) -> Answer:
    """Return what is made of a bus that says these messages, and no more."""
    return heard(b"".join([WELCOME, *messages]))[0]


def calls(received: bytes) -> list[Message]:
    """Return the messages among what a bus has heard, as another implementation reads them."""
    found: list[Message] = Parser().feed(received.partition(b"BEGIN\r\n")[2])
    return found


def members(received: bytes) -> list[str]:
    """Return the names of what a bus was asked to call."""
    return [call.header.fields[HeaderFields.member] for call in calls(received)]


def message(
    kind: MessageType,
    serial: int,
    signature: str = "",
    *body: Any,
    order: Endianness = Endianness.little,
) -> bytes:
    """Return a message that has to do with the call of this serial."""
    fields = {HeaderFields.reply_serial: serial, HeaderFields.sender: ":1.1"}
    if signature:
        fields[HeaderFields.signature] = signature
    if kind is MessageType.error:
        fields[HeaderFields.error_name] = "org.freedesktop.DBus.Error.Failed"
    data: bytes = Message(Header(order, kind, 1, 1, -1, -1, fields), body).serialise(serial)
    return data


def reply(serial: int, signature: str, *body: Any) -> bytes:
    return message(MessageType.method_return, serial, signature, *body)


def secret(session: str, parameters: bytes, value: bytes) -> bytes:
    """Return the reply that tells an item's secret."""
    return reply(6, "a{o(oayays)}", {"/item": (session, parameters, value, "text/plain")})


WELCOME = b"OK " + b"0123456789abcdef" * 2 + b"\r\n"
REPLIES = {
    1: reply(1, "s", ":1.2"),
    2: reply(2, "o", "/collection"),
    3: reply(3, "vo", ("s", ""), "/session"),
    4: reply(4, "v", ("b", False)),
    5: reply(5, "ao", ["/item", "/other"]),
    6: secret("/session", b"", b"secret"),
    7: reply(7, "v", ("a{ss}", {"service": "service", "username": USER})),
}
SIGNAL = message(MessageType.signal, 5, "s", "words")


def instead(serial: int, strange: bytes) -> list[bytes]:
    """Return the replies with one of them replaced."""
    return [*{**REPLIES, serial: strange}.values()]


def test_a_bus_that_says_what_it_should_is_believed() -> None:
    """Whatever comes of a change below comes of that change."""
    assert said(*REPLIES.values()) == ["secret"]


def test_replies_come_in_any_order_and_among_signals() -> None:
    assert said(*(SIGNAL + REPLIES[serial] for serial in (2, 1, 5, 4, 3, 7, 6))) == ["secret"]


def test_bytes_may_come_one_by_one() -> None:
    def serve(connection: socket.socket) -> None:
        for byte in WELCOME + b"".join(REPLIES.values()):
            connection.send(bytes((byte,)))
        listen(connection)

    with bus(serve) as path:
        assert asked(path) == ["secret"]


def test_a_bus_that_hangs_up_is_unusual_at_every_byte() -> None:
    everything = b"".join(REPLIES.values())

    for end in range(len(everything)):
        assert said(everything[:end]) is Unusual
    for end in range(len(WELCOME)):
        assert heard(WELCOME[:end])[0] is Unusual


def test_a_bus_that_does_not_let_us_in_is_unusual() -> None:
    refused = b"REJECTED EXTERNAL".ljust(len(WELCOME) - 2) + b"\r\n"

    assert heard(refused + b"".join(REPLIES.values()))[0] is Unusual


@pytest.mark.parametrize("serial", REPLIES)
def test_an_error_is_unusual(serial: int) -> None:
    assert said(*instead(serial, message(MessageType.error, serial, "s", "words"))) is Unusual


def answering(serial: int, another: int) -> bytes:
    """Return the reply to one call as the reply to another."""
    start = b"\5\1u\0"
    return REPLIES[serial].replace(start + bytes((serial,)), start + bytes((another,)))


@pytest.mark.parametrize("serial", REPLIES)
def test_a_reply_to_another_call_is_not_waited_for(serial: int) -> None:
    assert said(*instead(serial, answering(serial, 9))) is Unusual


def test_a_service_that_was_late_to_notice_us_is_asked_again() -> None:
    """GNOME Keyring says then that there is no default collection."""
    late = [REPLIES[1], reply(2, "o", "/")]

    assert said(*late, *(answering(serial, serial + 1) for serial in range(2, 8))) == ["secret"]


def test_a_service_without_a_default_collection_is_asked_nothing_more() -> None:
    answer, received = heard(WELCOME + REPLIES[1] + reply(2, "o", "/") + reply(3, "o", "/"))

    assert (answer, members(received)) == (Unusual, ["Hello", "ReadAlias", "ReadAlias"])


STRANGE = {
    "a session with a key": (3, reply(3, "vo", ("ay", b"key"), "/session")),
    "a session with an answer": (3, reply(3, "vo", ("s", "a"), "/session")),
    "a locked collection": (4, reply(4, "v", ("b", True))),
    "a number for a boolean": (4, reply(4, "v", ("u", 0))),
    "another signature": (5, reply(5, "as", ["/item"])),
    "no signature": (5, reply(5, "")),
    "another byte order": (
        5,
        message(MessageType.method_return, 5, "ao", ["/item"], order=Endianness.big),
    ),
    "another version": (5, REPLIES[5][:3] + b"\2" + REPLIES[5][4:]),
    "a huge body": (5, REPLIES[5][:4] + b"\xff" * 4 + REPLIES[5][8:]),
    "a huge header": (5, REPLIES[5][:12] + b"\xff" * 4 + REPLIES[5][16:]),
    "a field of another type": (5, REPLIES[5].replace(b"\7\1s\0", b"\7\1d\0")),
    "an array that is too short": (5, REPLIES[5].replace(b"\x17\0\0\0\5", b"\x0a\0\0\0\5")),
    "an item that is too long": (5, REPLIES[5].replace(b"\5\0\0\0/item", b"\xff\0\0\0/item")),
    "an item without an end": (5, REPLIES[5].replace(b"/item\0", b"/items")),
    "padding that is none": (6, REPLIES[6].replace(b"secret\0\0", b"secret\0\1")),
    "another session": (6, secret("/another", b"", b"secret")),
    "an encrypted secret": (6, secret("/session", b"iv", b"secret")),
    "a secret that is no text": (6, secret("/session", b"", b"\xff")),
    "a secret that is too long": (6, secret("/session", b"", bytes(BYTES))),
    "no secret": (6, reply(6, "a{o(oayays)}", {})),
    "another's item": (7, reply(7, "v", ("a{ss}", {"service": "other", "username": USER}))),
    "another user's item": (7, reply(7, "v", ("a{ss}", {"service": "service", "username": "x"}))),
    "an item that begins alike": (
        7,
        reply(7, "v", ("a{ss}", {"service": "services", "username": USER})),
    ),
    "an item without attributes": (7, reply(7, "v", ("a{ss}", {}))),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_reply_is_unusual(what: str) -> None:
    serial, strange = STRANGE[what]

    assert strange != REPLIES[serial]
    assert said(*instead(serial, strange)) is Unusual


@given(st.binary(max_size=300), st.integers(0, 7))
@settings(deadline=None)
def test_garbage_is_unusual(garbage: bytes, after: int) -> None:
    """Behind replies, or as the very first that the bus says."""
    start = [WELCOME, *REPLIES.values()][:after]

    assert heard(b"".join(start) + garbage)[0] is Unusual


def test_calls_go_by_the_collection_itself_and_start_nothing() -> None:
    """Not by its alias, and to no service that is not there yet."""
    _, received = heard(WELCOME + b"".join(REPLIES.values()))

    found = calls(received)
    assert [(call.header.fields[HeaderFields.path], call.body) for call in found] == [
        ("/org/freedesktop/DBus", ()),
        ("/org/freedesktop/secrets", ("default",)),
        ("/org/freedesktop/secrets", ("plain", ("s", ""))),
        ("/collection", ("org.freedesktop.Secret.Collection", "Locked")),
        ("/collection", ({"service": "service", "username": USER},)),
        ("/org/freedesktop/secrets", (["/item"], "/session")),
        ("/item", ("org.freedesktop.Secret.Item", "Attributes")),
    ]
    assert all(call.header.flags & MessageFlag.no_auto_start for call in found)


@given(st.text())
@settings(deadline=None)
def test_any_text_is_asked_for_as_it_is(service: str) -> None:
    _, received = heard(WELCOME + b"".join(REPLIES.values()), service)

    assert calls(received)[4].body == ({"service": service, "username": USER},)


def test_only_an_alias_is_asked_for_at_first() -> None:
    """GNOME Keyring can die of another first call, or of one that comes right behind."""
    _, received = heard(WELCOME + REPLIES[1])

    assert members(received) == ["Hello", "ReadAlias"]


def test_no_secret_is_asked_for_where_there_is_no_item() -> None:
    answer, received = heard(WELCOME + b"".join(instead(5, reply(5, "ao", []))))

    assert (answer, members(received)[-1]) == ([None], "SearchItems")


# A bus that takes its time, and one that is not there


def dribble(connection: socket.socket) -> None:
    for byte in WELCOME + b"".join(REPLIES.values()):
        connection.send(bytes((byte,)))
        select.select([connection], [], [], 0.02)


def signal_for_ever(connection: socket.socket) -> None:
    connection.sendall(WELCOME)
    while True:
        connection.sendall(SIGNAL * 100)


def send_tiny_messages_for_ever(connection: socket.socket) -> None:
    connection.sendall(WELCOME)
    while True:
        connection.sendall((b"l\4\0\1" + bytes(12)) * 1000)


def stop_reading(connection: socket.socket) -> None:
    connection.sendall(WELCOME + REPLIES[1] + REPLIES[2])
    hung_up = select.poll()
    hung_up.register(connection, 0)
    hung_up.poll(PATIENCE * 1000)


@pytest.mark.parametrize(
    "serve", [listen, dribble, signal_for_ever, send_tiny_messages_for_ever, stop_reading]
)
def test_it_ends_in_time(serve: Serve) -> None:
    """What it asks is longer than what a socket takes if nobody reads."""
    with bus(serve) as path:
        assert asked(path, "x" * 1_000_000, seconds=0.3) is Unusual


def test_no_time_is_unusual(unlocked: dict[str, str]) -> None:
    assert asked(socket_of(unlocked), seconds=0) is Unusual


def test_a_bus_that_has_no_room_for_us_is_unusual() -> None:
    """Whoever waits for room may wait without end."""
    with tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as folder, ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(f"{folder}/bus")
        listening.listen(0)
        with suppress(BlockingIOError):
            while True:
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(f"{folder}/bus")

        assert asked(f"{folder}/bus", seconds=0.3) is Unusual


def test_a_bus_that_is_gone_is_unusual() -> None:
    """Its socket outlives it."""
    with tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as folder:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"{folder}/bus")

        assert asked(f"{folder}/bus") is Unusual


@pytest.mark.parametrize("path", ["", "/", "/nowhere/bus", "\0nowhere", "/a\0b", "/" + "x" * 200])
def test_no_socket_is_unusual(path: str) -> None:
    assert asked(path) is Unusual


def test_text_that_no_bus_takes_is_unusual(unlocked: dict[str, str]) -> None:
    """What is no Unicode, and what would end a string before its end."""
    assert asked(socket_of(unlocked), "\udcff") is Unusual
    assert asked(socket_of(unlocked), "a\0b") is Unusual


# What a real bus has said, changed here and there

SECRET = "s3cret!!"
"""It is as long as needs no padding, so that no other length makes sense."""


@pytest.fixture(scope="module")
def recorded(unlocked: dict[str, str]) -> bytes:
    """Return all that the real bus says when there is one secret, and one that is absent."""
    announce_bus(unlocked, "linux")
    SecretService().set_password("recorded", USER, SECRET)
    spoken = b""

    def relay(client: socket.socket) -> None:
        nonlocal spoken
        with socket.socket(socket.AF_UNIX) as real:
            real.connect(socket_of(unlocked))
            other = {client: real, real: client}
            while True:
                for each in select.select(other, [], [])[0]:
                    data = each.recv(1 << 16)
                    if not data:
                        return
                    spoken += data if each is real else b""
                    other[each].sendall(data)

    with bus(relay) as path:
        assert asked(path, "recorded", "absent") == [SECRET, None]
    return spoken


@given(st.integers(0, 10**6), st.integers(0, 8), st.binary(max_size=8))
@settings(deadline=None, max_examples=300)
def test_a_change_of_what_is_said_changes_no_answer(
    recorded: bytes, place: int, cut: int, inserted: bytes
) -> None:
    """Unless it is the secret's own bytes, the answer is the right one, or none."""
    place %= len(recorded) + 1
    changed = recorded[:place] + inserted + recorded[place + cut :]

    answer, _ = heard(changed, "recorded", "absent")
    if SECRET.encode() in changed:
        assert answer in ([SECRET, None], Unusual)
    else:
        assert not isinstance(answer, list) or answer[1] is None


def test_it_imports_next_to_nothing() -> None:
    """Programs that have three milliseconds use it."""
    code = (
        "import sys; old = {*sys.modules}; import hexauth.vault.bus; print(*{*sys.modules} - old)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, check=True
    )

    own = {"hexauth", "hexauth.vault", "hexauth.vault.bus"}
    assert {*done.stdout.decode().split()} <= own | {"_socket", "os", "time"}
