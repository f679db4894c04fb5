"""`docker-credential-hexauth`: answer docker, podman, skopeo and their like; never ask a person."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from hexauth.cli.streams import read_request, write_answer
from hexauth.credentials import sources, stored
from hexauth.credentials.request import Request
from hexauth.errors import LoginRequired, MalformedRequest, NotFound, UsageError
from hexauth.model import Target
from hexauth.protocols import docker as protocol
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home

PROTOCOL = "docker"
"""What docker stored goes by this protocol: its servers are no URLs that others ask for."""


def docker(words: Sequence[str]) -> None:
    """Carry out the one of docker's actions that `words` name.

    Raises `MalformedRequest` and `NotFound`, with texts that clients compare, and what
    `sources.find` does.
    """
    if len(words) != 1 or words[0] not in ACTIONS:
        usage = f"Usage: docker-credential-hexauth {' | '.join(ACTIONS)}"
        raise MalformedRequest(usage, hint="")
    ACTIONS[words[0]]()


def _get() -> None:
    server = protocol.parse_server(read_request())
    home = Home.open()
    credential = sources.find(Request(home, Target(PROTOCOL, server)))
    request = _of_login(home, server) if credential is None else None
    if request is not None:
        with suppress(LoginRequired):
            credential = sources.find(request)
    if credential is None:
        raise NotFound(protocol.NOT_FOUND, hint="")
    write_answer(protocol.render(server, credential))


def _store() -> None:
    server, username, secret = protocol.parse_credential(read_request())
    target = Target(PROTOCOL, server)
    stored.store(Home.open(), target, Stored(None, username, secret), alone=True)


def _erase() -> None:
    stored.erase(Home.open(), Target(PROTOCOL, protocol.parse_server(read_request())), None)


def _list() -> None:
    entries = Home.open().vaults.entries().values()
    users = {
        entry["host"]: entry.get("username", "")
        for entry in entries
        if entry.get("protocol") == PROTOCOL and "host" in entry
    }
    write_answer(protocol.render_list(users))


def _version() -> None:
    write_answer(f"{protocol.VERSION}\n".encode())


ACTIONS: Mapping[str, Callable[[], None]] = {
    "get": _get,
    "store": _store,
    "erase": _erase,
    "list": _list,
    "version": _version,
}


def _of_login(home: Home, server: str) -> Request | None:
    """Return the request for `server` if hexauth logs in there; docker leaves the scheme out."""
    try:
        url = server if "://" in server else f"https://{server}"
        request = Request.named(home, url, ask=False)
    except UsageError:
        return None
    return request if request.server else None
