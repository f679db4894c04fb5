"""A Secret Service that misbehaves, on a private bus: for what no real one can be brought to do.

It knows the calls that hexauth makes, of the Secret Service API Draft, and keeps items in memory.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    HeaderFields,
    Message,
    new_error,
    new_method_return,
    new_signal,
)

from hexauth.vault.quick import BUS
from tests.bus_service import BusService
from tests.secret_service import bus

PREFIX = "org.freedesktop.Secret."
COLLECTION = "/org/freedesktop/secrets/collection/login"
PROMPT = "/org/freedesktop/secrets/prompt/1"

WORDS = "s3cret words"
"""What it says of an error, which nobody is to repeat."""

ERRORS = {
    PermissionError: "AccessDenied",
    KeyError: "UnknownObject",
    NotImplementedError: "NotSupported",
}

Reply = tuple[str, tuple[Any, ...]]


@dataclass
class FakeService(BusService):
    """The service, and what is wrong with it."""

    NAME = "org.freedesktop.secrets"

    address: str
    refuses: set[str] = field(default_factory=set)
    """Calls that are answered with an error."""
    holds: set[str] = field(default_factory=set)
    """Calls that are not done before `release`."""
    loses: bool = False
    """Whether it keeps nothing of what it is given from now on."""
    mixes: bool = False
    """Whether it finds another item than it was asked for."""
    locked: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    items: dict[str, tuple[dict[str, str], bytes]] = field(default_factory=dict)
    _held: list[Message] = field(default_factory=list)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.come()

    def release(self) -> None:
        """Do what was held back, although nobody may wait for it any more."""
        with self._guard:
            self.holds.clear()
            held, self._held = self._held, []
            for each in held:
                self._answer(each)

    def unlock(self) -> None:
        """Let the person have unlocked it in the window."""
        with self._guard:
            self.locked = False
            self._complete(dismissed=False)

    def dismiss(self) -> None:
        """Let the person have closed the window."""
        self._complete(dismissed=True)

    def secrets(self) -> dict[str, str]:
        """Return what it keeps, by service."""
        return {said["service"]: secret.decode() for said, secret in self.items.values()}

    def _complete(self, *, dismissed: bool) -> None:
        emitter = DBusAddress(PROMPT, interface=f"{PREFIX}Prompt")
        result = ("ao", [] if dismissed else [COLLECTION])
        self._connection.send(new_signal(emitter, "Completed", "bv", (dismissed, result)))

    def take(self, call: Message) -> None:
        """Count it, and answer it or hold it back."""
        with self._guard:
            member = call.header.fields[HeaderFields.member]
            self.counts[member] += 1
            if member in self.holds:
                self._held.append(call)
            else:
                self._answer(call)

    def _answer(self, call: Message) -> None:
        member = call.header.fields[HeaderFields.member]
        try:
            if member in self.refuses:
                raise PermissionError
            signature, body = getattr(self, f"_{member.lower()}")(
                call.header.fields[HeaderFields.path], *call.body
            )
            reply = new_method_return(call, signature, body)
        except tuple(ERRORS) as error:
            name = f"org.freedesktop.DBus.Error.{ERRORS[type(error)]}"
            reply = new_error(call, name, "s", (WORDS,))
        self._connection.send(reply)

    # The calls, by their names in small letters

    def _readalias(self, _path: str, _alias: str) -> Reply:
        return "o", (COLLECTION,)

    def _opensession(self, _path: str, algorithm: str, _given: Any) -> Reply:
        if algorithm != "plain":
            raise NotImplementedError
        return "vo", (("s", ""), "/session")

    def _get(self, path: str, _interface: str, name: str) -> Reply:
        if name == "Locked":
            return "v", (("b", self.locked),)
        if name == "Label":
            return "v", (("s", "label"),)
        return "v", (("a{ss}", self.items[path][0]),)

    def _searchitems(self, _path: str, wanted: dict[str, str]) -> Reply:
        found = [
            path
            for path, (said, _) in self.items.items()
            if (wanted.items() <= said.items()) is not self.mixes
        ]
        return "ao", (found,)

    def _getsecret(self, path: str, session: str) -> Reply:
        return "(oayays)", ((session, b"", self.items[path][1], "text/plain"),)

    def _getsecrets(self, _path: str, paths: list[str], session: str) -> Reply:
        found = {each: self._getsecret(each, session)[1][0] for each in paths}
        return "a{o(oayays)}", (found,)

    def _createitem(self, _path: str, said: dict[str, Any], secret: Any, _: bool) -> Reply:
        attributes = said[f"{PREFIX}Item.Attributes"][1]
        old = [path for path, (other, _) in self.items.items() if other == attributes]
        path = old[0] if old else f"{COLLECTION}/{secrets.token_hex(8)}"
        if not self.loses:
            self.items[path] = attributes, bytes(secret[2])
        return "oo", (path, "/")

    def _delete(self, path: str) -> Reply:
        if not self.loses:
            del self.items[path]
        return "o", ("/",)

    def _unlock(self, _path: str, paths: list[str]) -> Reply:
        return "aoo", (([], PROMPT) if self.locked else (paths, "/"))

    def _prompt(self, _path: str, _window: str) -> Reply:
        return "", ()


@contextmanager
def running() -> Iterator[FakeService]:
    """Run the service on a bus of its own."""
    with bus() as (_, environ):
        service = FakeService(environ[BUS])
        try:
            yield service
        finally:
            service.die()
