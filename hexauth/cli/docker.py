"""`docker-credential-hexauth`: answer docker, podman, skopeo and their like; never ask a person."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from hexauth.cli.streams import read_request, write_answer
from hexauth.credentials import note, sources, stored
from hexauth.credentials.request import Request
from hexauth.credentials.short import DOCKER as PROTOCOL
from hexauth.errors import LoginRequired, MalformedRequest, NotFound, UsageError
from hexauth.hot import Front
from hexauth.model import Target
from hexauth.protocols import docker as protocol
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home


def docker(words: Sequence[str], front: Front) -> None:
    """Carry out the one of docker's actions that `words` name.

    Raises `MalformedRequest` and `NotFound`, with texts that clients compare, and what
    `sources.find` does.
    """
    if len(words) != 1 or words[0] not in ACTIONS:
        usage = f"Usage: docker-credential-hexauth {' | '.join(ACTIONS)}"
        raise MalformedRequest(usage, hint="")
    ACTIONS[words[0]](front)


def _get(front: Front) -> None:
    server = protocol.parse_server(read_request(front))
    home = Home.open(front)
    note.keep(home)
    credential = sources.find(Request(home, Target(PROTOCOL, server)))
    request = _of_login(home, server) if credential is None else None
    if request is not None:
        with suppress(LoginRequired):
            credential = sources.find(request)
    if credential is None:
        raise NotFound(protocol.NOT_FOUND, hint="")
    write_answer(protocol.render(server, credential))


def _store(_front: Front) -> None:
    server, username, secret = protocol.parse_credential(read_request())
    target = Target(PROTOCOL, server)
    stored.store(Home.open(), target, Stored(None, username, secret), alone=True)


def _erase(_front: Front) -> None:
    stored.erase(Home.open(), Target(PROTOCOL, protocol.parse_server(read_request())), None)


def _list(_front: Front) -> None:
    entries = Home.open().vaults.entries().values()
    users = {
        entry["host"]: entry.get("username", "")
        for entry in entries
        if entry.get("protocol") == PROTOCOL and "host" in entry
    }
    write_answer(protocol.render_list(users))


def _version(_front: Front) -> None:
    write_answer(f"{protocol.VERSION}\n".encode())


ACTIONS: Mapping[str, Callable[[Front], None]] = {
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
