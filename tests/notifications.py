"""A notification service on a private bus: it keeps what it is told, and tests click on it.

It knows the calls of the Desktop Notifications Specification 1.2 that hexauth makes.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    Proxy,
    open_dbus_connection,
)

from hexauth.machine.notify import NAME, PATH
from hexauth.vault.quick import BUS
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
class Notifications:
    """The service, and what is wrong with it."""

    address: str
    can: list[str] = field(default_factory=lambda: ["body", "body-markup", "actions"])
    fails: str = ""
    """`refuse`: every call is an error; `hang`: none is answered."""
    shown: "queue.Queue[Shown]" = field(default_factory=queue.Queue)
    closed: "queue.Queue[int]" = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self._connection: DBusConnection = open_dbus_connection(self.address)
        Proxy(message_bus, self._connection).RequestName(NAME)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

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

    def leave(self) -> None:
        """Leave the bus."""
        self._connection.sock.shutdown(2)
        self._thread.join(PATIENCE)
        self._connection.close()

    def _tell(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        self._connection.send(
            new_signal(DBusAddress(PATH, interface=NAME), member, signature, body)
        )

    def _serve(self) -> None:
        number = 0
        while True:
            try:
                message = self._connection.receive()
            except OSError:
                return
            if message.header.message_type is not MessageType.method_call or self.fails == "hang":
                continue
            member = message.header.fields[HeaderFields.member]
            if self.fails == "refuse":
                self._connection.send(new_error(message, f"{NAME}.Error.Broken"))
            elif member == "GetCapabilities":
                self._answer(message, "as", self.can)
            elif member == "Notify":
                number += 1
                self._answer(message, "u", number)
                _, _, _, title, text, actions, _, milliseconds = message.body
                self.shown.put(Shown(number, title, text, actions, milliseconds))
            else:
                assert member == "CloseNotification"
                self._answer(message)
                self.closed.put(message.body[0])

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
            service.leave()
