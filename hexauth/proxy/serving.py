"""A proxy at work: what is asked of `hexauth exec` and `hexauth proxy`, put together."""

import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hexauth.errors import HexauthError
from hexauth.hot import Front
from hexauth.machine import core_dump
from hexauth.machine.signals import let_finish
from hexauth.machine.terminal import screen
from hexauth.proxy.passing import Passing
from hexauth.proxy.routes import routes
from hexauth.proxy.server import serve
from hexauth.proxy.supply import Supply
from hexauth.proxy.upstream import Upstream
from hexauth.vault.home import Home

if TYPE_CHECKING:
    import _socket


def serve_home(
    listening: "_socket.socket",
    address: str,
    flags: Mapping[str, object],
    ask: bool | None,
    beside: int = 0,
) -> None:
    """Serve what comes to a socket until it is shut down, with the credentials of this home.

    `address` is the proxy's own, secret included. `flags` are settings that were given as options,
    `ask` is `--login/--no-login`; `beside` is the process that is served, if it is one. Settings
    that make no sense are told on the terminal.
    """

    def open_home() -> Home:
        return replace(Home.open(Front(), **flags), beside=beside)

    core_dump.forbid()
    listener = socket.socket(fileno=listening.detach())
    try:
        home = open_home()
    except HexauthError as error:
        screen(None).say(f"hexauth: {error}", f"hexauth: {error.hint}")
        return
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)
    supply = Supply(open_home, ask)
    found = routes(home.settings, address.rpartition("/")[2])
    handler = Passing(Upstream(home, supply), found, address, home.screen)
    serve(listener, found, handler.handle)
    let_finish()


def _end(number: int, frame: object) -> None:
    """End with the renewal that is under way, if any: its old token is spent already."""
    let_finish()
    os._exit(128 + number)
