"""A service on a private bus, in a thread: it answers the calls that come until it leaves."""

import threading
from typing import ClassVar

from jeepney import Message, MessageType  # type: ignore[import-untyped]  # ships no types
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    Proxy,
    open_dbus_connection,
)


class BusService:
    """Whoever makes another one of it says what it is called, and what it does with a call."""

    NAME: ClassVar[str]
    address: str

    def come(self) -> None:
        """Be on the bus."""
        self._connection: DBusConnection = open_dbus_connection(self.address)
        Proxy(message_bus, self._connection).RequestName(self.NAME)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def die(self) -> None:
        """Leave the bus at once, with whatever was asked."""
        self._connection.sock.shutdown(2)
        self._thread.join(20)
        self._connection.close()

    def take(self, call: Message) -> None:
        """Do what `call` asks."""
        raise NotImplementedError

    def _serve(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except OSError:
                return
            if message.header.message_type is MessageType.method_call:
                self.take(message)
