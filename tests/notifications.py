"""A notification service on a private bus: it keeps what it is told, and tests click on it.

It knows the calls of the Desktop Notifications Specification 1.2 that hexauth makes.
"""

import queue
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

from hexauth.machine.notify import NAME, PATH
from hexauth.vault.quick import BUS
from tests.bus_service import BusService
from tests.secret_service import bus

PATIENCE = 20


@dataclass(frozen=True)
class Shown:
    """A notification, as it was asked for."""

    number: int
    title: str
    text: str
    actions: list[str]
    milliseconds: int


@dataclass
class Notifications(BusService):
    """The service, and what is wrong with it."""

    NAME = NAME

    address: str
    can: list[str] = field(default_factory=lambda: ["body", "body-markup", "actions"])
    fails: str = ""
    """`refuse`: every call is an error; `hang`: none is answered."""
    shown: "queue.Queue[Shown]" = field(default_factory=queue.Queue)
    closed: "queue.Queue[int]" = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self._number = 0
        self.come()

    def next(self) -> Shown:
        """Return the next notification that has been shown, once one is."""
        return self.shown.get(timeout=PATIENCE)

    def next_closed(self) -> int:
        """Return the number of the next one that has been taken away, once one is."""
        return self.closed.get(timeout=PATIENCE)

    def click(self, number: int, action: str = "default") -> None:
        """Click on a notification."""
        self._tell("ActionInvoked", "us", (number, action))

    def put_away(self, number: int) -> None:
        """Let the person put it away."""
        self._tell("NotificationClosed", "uu", (number, 2))

    def _tell(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        self._connection.send(
            new_signal(DBusAddress(PATH, interface=NAME), member, signature, body)
        )

    def take(self, call: Message) -> None:
        """Answer it, if it is to be answered, and keep what it said."""
        member = call.header.fields[HeaderFields.member]
        if self.fails == "hang":
            return
        if self.fails == "refuse":
            self._connection.send(new_error(call, f"{NAME}.Error.Broken"))
        elif member == "GetCapabilities":
            self._answer(call, "as", self.can)
        elif member == "Notify":
            self._number += 1
            self._answer(call, "u", self._number)
            _, _, _, title, text, actions, _, milliseconds = call.body
            self.shown.put(Shown(self._number, title, text, actions, milliseconds))
        else:
            assert member == "CloseNotification"
            self._answer(call)
            self.closed.put(call.body[0])

    def _answer(self, call: Message, signature: str | None = None, *body: Any) -> None:
        self._connection.send(new_method_return(call, signature, body))


@contextmanager
def running() -> Iterator[Notifications]:
    """Run the service on a bus of its own."""
    with bus() as (_, environ):
        service = Notifications(environ[BUS])
        try:
            yield service
        finally:
            service.die()
