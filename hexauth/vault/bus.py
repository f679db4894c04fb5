"""Reads secrets from the Secret Service in a millisecond: with os, time and _socket alone.

Sections are those of the D-Bus Specification and of the Secret Service API Draft. Whatever is
unusual is left to the usual way through keyring: this gives the same secrets, or none.
"""

import _socket
import os
import time

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than the whole exchange
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    Steps = Generator[list[str | None] | None, None, None]

    Call = tuple[tuple[bytes, bytes, bytes], bytes, bytes, bytes, bytes]
    """Whom to call, the method, the types of its arguments, these, and the types of the reply."""

BYTES = 1 << 20
"""The most that the bus may send in all; the answers take about a thousand, and the secrets."""

BUS = b"org.freedesktop.DBus", b"/org/freedesktop/DBus", b"org.freedesktop.DBus"
SERVICE = b"org.freedesktop.secrets", b"/org/freedesktop/secrets", b"org.freedesktop.Secret.Service"
"""Whom to call: a name on the bus, an object's path, and its interface ("Object Paths")."""


class Unusual(Exception):
    """What only the usual way through keyring can deal with: prompts, errors, strange peers."""


def secrets(path: str, services: "Sequence[str]", username: str, seconds: float) -> "Steps":
    """Yield at last, for each of `services`, the secret of the first item with it and `username`.

    None for an item says that the default collection has none; before, None is yielded wherever
    there is time for something else. `path` is the D-Bus session's Unix socket. Wherever this is
    not sure, and after `seconds`, it raises `Unusual`, which quotes nothing that was read. It
    starts no service, and unlocks nothing. It hangs up when it is closed.
    """
    try:
        # Programs that are started later do not get the socket: PEP 446.
        link = _socket.socket(_socket.AF_UNIX)
        try:
            bus = _Bus(link, time.monotonic() + seconds)
            yield from _ask(bus, path, [each.encode() for each in services], username.encode())
            return
        finally:
            link.close()
    except (OSError, ValueError, KeyError) as error:  # what is no UTF-8; an item that is gone
        why = type(error).__name__
    raise Unusual(why)  # out here, where it has no context: a UnicodeDecodeError holds the secret


def _ask(bus: "_Bus", path: str, services: list[bytes], username: bytes) -> "Steps":
    """Ask in three steps, each of which sends at once what it can; "Transfer of Secrets"."""
    # GNOME Keyring (daemon/dbus/gkd-secret-service.c) may be late to notice a new client. It can
    # die of a first call that is OpenSession or Get; to ReadAlias it says that there is none, once.
    # And no call goes to the path of an alias, whose meaning is freed when any client is noticed.
    alias = SERVICE, b"ReadAlias", b"s", _strings(b"default"), b"o"
    bus.open(path, (BUS, b"Hello", b"", b"", b"s"), alias)
    yield None
    where = bus.replies()[1].string()
    if where == b"/":
        bus.ask(alias)
        where = bus.replies()[0].string()
    if where == b"/":
        raise Unusual("there is no default collection")

    collection = SERVICE[0], where, b"org.freedesktop.Secret.Collection"
    interface = b"org.freedesktop.DBus.Properties"
    plain = _aligned(_strings(b"plain") + b"\1s\0", 4) + _strings(b"")
    bus.ask(
        (SERVICE, b"OpenSession", b"sv", plain, b"vo"),
        ((*collection[:2], interface), b"Get", b"ss", _strings(collection[2], b"Locked"), b"v"),
        *(
            (collection, b"SearchItems", b"a{ss}", _attributes(service, username), b"ao")
            for service in services
        ),
    )
    yield None
    opened, locked, *searches = bus.replies()
    opened.skip(b"\1s" + bytes(7))  # an empty string: the session needs no key
    locked.skip(b"\1b" + bytes(6))  # false
    session = opened.string()
    items, found = dict[bytes, bytes](), dict[bytes, bytes]()
    for service, search in zip(services, searches, strict=True):
        search.array(4)
        if search.more():
            items[service] = search.string()

    if items:
        paths = _strings(*items.values())
        body = _aligned(_uint(len(paths)) + paths, 4) + _strings(session)
        what = _strings(b"org.freedesktop.Secret.Item", b"Attributes")
        gets = [((SERVICE[0], items[s], interface), b"Get", b"ss", what, b"v") for s in items]
        bus.ask((SERVICE, b"GetSecrets", b"aoo", body, b"a{o(oayays)}"), *gets)
        yield None
        told, *attributes = bus.replies()
        found = _secrets(told, session)
        for service, said in zip(items, attributes, strict=True):
            said.find(_strings(b"service", service), _strings(b"username", username))
    yield [found[items[each]].decode() if each in items else None for each in services]


def _attributes(service: bytes, username: bytes) -> bytes:
    """Return what to search for; "Lookup Attributes"."""
    pairs = _aligned(_strings(b"service", service), 8) + _strings(b"username", username)
    return _uint(len(pairs)) + bytes(4) + pairs


def _secrets(reply: "_Values", session: bytes) -> dict[bytes, bytes]:
    """Return the secrets by their items; "Types" has the structure, "Algorithm: plain" the rest."""
    found = {}
    reply.array(8)
    while reply.more():
        reply.align(8)
        item = reply.string()
        reply.align(8)
        if reply.string() != session or reply.blob():
            raise Unusual("a secret is encoded")
        found[item] = reply.blob()
        reply.string()
    return found


def _uint(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _aligned(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)


def _strings(*texts: bytes) -> bytes:
    """Return strings, or object paths, that follow one another; "Marshaling"."""
    data = b""
    for text in texts:
        data = _aligned(data, 4) + _uint(len(text)) + text + b"\0"
    return data


def _call(
    serial: int, to: tuple[bytes, bytes, bytes], member: bytes, signature: bytes, body: bytes
) -> bytes:
    """Return a METHOD_CALL, with NO_AUTO_START; "Message Format" and "Header Fields"."""
    fields = b""
    for code, text in zip(b"\6\1\2\3", (*to, member), strict=True):
        kind = b"o" if code == 1 else b"s"
        fields += _aligned(bytes((code, 1)) + kind + b"\0" + _strings(text), 8)
    fields += b"\x08\1g\0" + bytes((len(signature),)) + signature + b"\0"
    head = b"l\1\2\1" + _uint(len(body)) + _uint(serial) + _uint(len(fields)) + fields
    return _aligned(head, 8) + body


class _Bus:
    """A connection on which nothing takes longer than until `end`, by the monotonic clock."""

    def __init__(self, link: _socket.socket, end: float) -> None:
        self._link, self._end = link, end
        self._unread, self._left, self._serial = bytearray(), BYTES, 0
        self._expected: dict[int, bytes] = {}
        self._is_in = False

    def open(self, path: str, *calls: "Call") -> None:
        """Connect, authenticate and make `calls`, all at once; "Authentication Protocol"."""
        self._hurry()
        self._link.connect(path)
        user = str(os.getuid()).encode().hex().encode()
        self.ask(*calls, data=b"\0AUTH EXTERNAL " + user + b"\r\nBEGIN\r\n")

    def ask(self, *calls: "Call", data: bytes = b"") -> None:
        """Make `calls` at once, after sending `data`, and note what they are to be answered."""
        self._expected.clear()
        for to, member, signature, body, reply in calls:
            self._serial += 1
            self._expected[self._serial] = reply
            data += _call(self._serial, to, member, signature, body)
        self._hurry()
        self._link.sendall(data)

    def replies(self) -> "list[_Values]":
        """Return the replies to the last calls, and skip the rest; "Message Format"."""
        if not self._is_in:
            answer = self._read(37)  # with the 32 digits of the server's GUID
            if not (answer.startswith(b"OK ") and answer.endswith(b"\r\n")):
                raise Unusual("the bus does not let us in")
            self._is_in = True
        found: dict[int, _Values] = {}
        expected = self._expected
        while len(found) < len(expected):
            start = _Values(self._read(16))
            order, kind, _, version = start.take(4)
            size, _, fields_size = start.uint(), start.uint(), start.uint()
            if order != ord("l") or version != 1:
                raise Unusual("a message is of another kind")
            fields = _Values(self._read(fields_size)).fields()
            self._read(-fields_size % 8)
            body = _Values(self._read(size))
            serial = int.from_bytes(fields.get(b"\5u", b""), "little")
            if kind in (2, 3) and serial in expected:  # METHOD_RETURN or ERROR
                if kind == 3 or fields.get(b"\x08g") != expected[serial]:
                    raise Unusual("a call failed")
                found[serial] = body
        return [found[serial] for serial in expected]

    def _read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise Unusual("the bus sends too much")
        while len(self._unread) < size:
            self._hurry()
            chunk = self._link.recv(1 << 16)
            if not chunk:
                raise Unusual("the bus hung up")
            self._unread += chunk
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def _hurry(self) -> None:
        """Let the socket's next call end in time."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unusual("the time is over")
        self._link.settimeout(left)


class _Values:
    """Values that follow one another, from the left; "Marshaling"."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def more(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise Unusual("a message is too short")
        return self._data[start : self._at]

    def skip(self, expected: bytes) -> None:
        """Skip what has to come next."""
        if self.take(len(expected)) != expected:
            raise Unusual("a message says something else")

    def find(self, *expected: bytes) -> None:
        """Look for what has to come somewhere."""
        if not all(each in self._data for each in expected):
            raise Unusual("a message is about something else")

    def align(self, size: int) -> None:
        """Skip the padding in front of a value of this alignment."""
        self.skip(bytes(-self._at % size))

    def uint(self) -> int:
        """Return a UINT32."""
        self.align(4)
        return int.from_bytes(self.take(4), "little")

    def blob(self) -> bytes:
        """Return an ARRAY of BYTE."""
        return self.take(self.uint())

    def string(self) -> bytes:
        """Return a STRING or an OBJECT_PATH."""
        text = self.blob()
        self.skip(b"\0")
        return text

    def signature(self) -> bytes:
        """Return a SIGNATURE."""
        text = self.take(self.take(1)[0])
        self.skip(b"\0")
        return text

    def array(self, size: int) -> None:
        """Begin an ARRAY of values of this alignment, with nothing behind it."""
        length = self.uint()
        self.align(size)
        if self._at + length != len(self._data):
            raise Unusual("an array ends elsewhere")

    def fields(self) -> dict[bytes, bytes]:
        """Return the header fields by their codes and types."""
        found = {}
        while self.more():
            self.align(8)
            key = self.take(1) + self.signature()
            if key[1:] == b"u":
                self.align(4)
                found[key] = self.take(4)
            elif key[1:] == b"g":
                found[key] = self.signature()
            elif key[1:] in (b"s", b"o"):
                found[key] = self.string()
            else:
                raise Unusual("a header field has another type")
        return found
