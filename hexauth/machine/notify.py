"""Desktop notifications, on each platform: shown, clicked, and taken away again.

On Linux by the session's D-Bus (Desktop Notifications Specification 1.2), elsewhere by a program of
the system's. Whatever goes wrong here costs the person the notification, and nobody anything else.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hexauth.machine import trace
from hexauth.machine.programs import start_alone, without_secrets

if TYPE_CHECKING:
    from jeepney import Message  # type: ignore[import-untyped,unused-ignore]  # ships no types

SECONDS = 1.0
"""The longest wait for an answer of the service, and for the notification to be taken away."""

LONGEST = 2**31 - 1
"""The most milliseconds that a notification can be told to stay."""

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

APPLE_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)

TITLE, TEXT = "HEXAUTH_NOTICE_TITLE", "HEXAUTH_NOTICE_TEXT"
"""The variables that PowerShell finds the words in; in its command it would read them as code."""

POWER_SHELL = f"""
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType =
WindowsRuntime]
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent('ToastText02')
$texts = $xml.GetElementsByTagName('text')
$null = $texts.Item(0).AppendChild($xml.CreateTextNode($env:{TITLE}))
$null = $texts.Item(1).AppendChild($xml.CreateTextNode($env:{TEXT}))
$toast = New-Object Windows.UI.Notifications.ToastNotification $xml
$id = '{{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}}\\WindowsPowerShell\\v1.0\\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($id).Show($toast)
"""
"""A toast in the name of PowerShell itself: one in another name wants an installed program."""


@dataclass(frozen=True)
class Notice:
    """What a notification says, and for how long it is of interest."""

    title: str
    text: str
    seconds: float
    button: str = ""
    """What a click does, in a word; empty if it does nothing."""


def notify_command(
    notice: Notice, environ: Mapping[str, str], platform: str = sys.platform
) -> tuple[Sequence[str], Mapping[str, str]] | None:
    """Return the command that shows `notice`, and its environment; None where D-Bus does it.

    What is said is data for it, and never a part of a script.
    """
    calm = without_secrets(environ)
    if platform == "darwin":
        lines = [word for line in APPLE_SCRIPT for word in ("-e", line)]
        return ["/usr/bin/osascript", *lines, notice.title, notice.text], calm
    if platform == "win32":
        root = environ.get("SystemRoot") or environ.get("SYSTEMROOT") or r"C:\Windows"
        program = rf"{root}\System32\WindowsPowerShell\v1.0\powershell.exe"
        words = [program, "-NoProfile", "-NonInteractive", "-WindowStyle", "Hidden"]
        script = POWER_SHELL.replace("=\n", "= ").strip()
        return [*words, "-Command", script], {**calm, TITLE: notice.title, TEXT: notice.text}
    return None


def show(
    notice: Notice,
    environ: Mapping[str, str],
    bus: str | None,
    clicked: Callable[[], object],
    platform: str = sys.platform,
) -> Callable[[], None]:
    """Show `notice`, by the D-Bus at the address `bus`; return what takes it away again.

    `clicked` is called, in a thread, when the person clicks. Nothing is waited for.
    """
    if command := notify_command(notice, environ, platform):
        start_alone(*command)
    elif bus is not None:
        return OnBus(bus, notice, clicked).close
    return lambda: None


def marked_up(text: str) -> str:
    """Return `text` for servers that read markup in it ("Markup" of the specification)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class OnBus:
    """A notification on the D-Bus at `address`; a thread shows it, and waits for clicks."""

    def __init__(self, address: str, notice: Notice, clicked: Callable[[], object]) -> None:
        import socket
        import threading

        self._address, self._notice, self._clicked = address, notice, clicked
        self._end, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="notification", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take it away; a service that does not answer is left to itself after a second."""
        self._end.close()
        self._thread.join(SECONDS)

    def _run(self) -> None:
        with self._ended:
            try:
                from jeepney.io.blocking import (  # type: ignore[import-untyped,unused-ignore]
                    open_dbus_connection,
                )

                with open_dbus_connection(self._address, auth_timeout=SECONDS) as connection:
                    _Talk(connection, self._notice, self._clicked).go_on_until(self._ended)
            except Exception as error:  # a courtesy, whatever happens
                trace.tell(f"no notification: {type(error).__name__}")


class _Talk:
    """What is said on one connection to the bus. Methods raise OSError and jeepney's errors."""

    def __init__(
        self,
        connection: Any,  # noqa: ANN401  (jeepney ships no types)
        notice: Notice,
        clicked: Callable[[], object],
    ) -> None:
        self._connection, self._notice, self._clicked = connection, notice, clicked
        self._id, self._service = 0, ""

    def go_on_until(self, ended: Any) -> None:  # noqa: ANN401  (a socket)
        """Show the notification, and take it away when the socket `ended` has been hung up."""
        import select

        self._show()
        trace.tell(f"a notification is shown, number {self._id}")
        while True:
            self._listen()  # first, as more may have come in one piece with the answer
            if not self._id:
                return
            if ended in select.select([self._connection.sock, ended], [], [])[0]:
                self._call("CloseNotification", "u", self._id)
                return

    def _show(self) -> None:
        from jeepney import MatchRule
        from jeepney.bus_messages import message_bus  # type: ignore[import-untyped,unused-ignore]

        rule = MatchRule(type="signal", sender=NAME, interface=NAME, path=PATH)
        self._send(message_bus.AddMatch(rule))  # before there is anything to be clicked
        (can,) = self._call("GetCapabilities").body
        notice = self._notice
        text = marked_up(notice.text) if "body-markup" in can else notice.text
        has_button = notice.button and "actions" in can
        actions = ["default", notice.button, "open", notice.button] if has_button else []
        hints = {"urgency": ("y", 1), "category": ("s", "network")}
        facts = ("hexauth", 0, "dialog-password", notice.title, text, actions, hints)
        milliseconds = min(int(notice.seconds * 1000), LONGEST)
        shown = self._call("Notify", "susssasa{sv}i", *facts, milliseconds)
        self._id, self._service = shown.body[0], _sender(shown)

    def _listen(self) -> None:
        """Read what has come: a click, or that the person has put the notification away."""
        with suppress(TimeoutError):
            while True:
                message = self._connection.receive(timeout=0)
                if _sender(message) == self._service and message.body[:1] == (self._id,):
                    self._hear(message)

    def _hear(self, message: "Message") -> None:
        from jeepney import HeaderFields

        member = message.header.fields.get(HeaderFields.member)
        if member == "ActionInvoked":
            trace.tell("the notification was clicked")
            try:
                self._clicked()
            except Exception as error:  # it is to be taken away all the same
                trace.tell(f"nothing came of it: {type(error).__name__}")
        elif member == "NotificationClosed":
            self._id = 0

    def _call(self, member: str, signature: str | None = None, *body: object) -> "Message":
        from jeepney import DBusAddress, new_method_call

        service = DBusAddress(PATH, bus_name=NAME, interface=NAME)
        return self._send(new_method_call(service, member, signature, body))

    def _send(self, message: "Message") -> "Message":
        from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped,unused-ignore]

        reply = self._connection.send_and_get_reply(message, timeout=SECONDS)
        unwrap_msg(reply)  # raises the error that it may be
        return reply


def _sender(message: "Message") -> str:
    from jeepney import HeaderFields

    return str(message.header.fields.get(HeaderFields.sender, ""))
