"""`docker-credential-hexauth`: answer docker, podman, skopeo and their like; never ask a person."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from hexauth import stored
from hexauth.cli.streams import read_request, write_answer
from hexauth.errors import LoginRequired, MalformedRequest, NotFound, UsageError
from hexauth.model import Target
from hexauth.protocols import docker as protocol
from hexauth.resolve import resolve
from hexauth.search import Search
from hexauth.servers import server_for
from hexauth.targets import parse_target
from hexauth.vault.drawers import Stored
from hexauth.world import World, open_world

PROTOCOL = "docker"
"""What docker stored goes by this protocol: its servers are no URLs that others ask for."""


def docker(words: Sequence[str]) -> None:
    """Carry out the one of docker's actions that `words` name.

    Raises `MalformedRequest` and `NotFound`, with texts that clients compare, and what `resolve`
    does.
    """
    if len(words) != 1 or words[0] not in ACTIONS:
        usage = f"Usage: docker-credential-hexauth {' | '.join(ACTIONS)}"
        raise MalformedRequest(usage, hint="")
    ACTIONS[words[0]]()


def _get() -> None:
    server = protocol.parse_server(read_request())
    world = open_world()
    credential = stored.find(world, Target(PROTOCOL, server))
    if credential is None and (target := _hex(world, server)) is not None:
        with suppress(LoginRequired):
            credential = resolve(Search(world, target))
    if credential is None:
        raise NotFound(protocol.NOT_FOUND, hint="")
    write_answer(protocol.render(server, credential))


def _store() -> None:
    server, username, secret = protocol.parse_credential(read_request())
    target = Target(PROTOCOL, server)
    stored.store(open_world(), target, Stored(None, username, secret), alone=True)


def _erase() -> None:
    stored.erase(open_world(), Target(PROTOCOL, protocol.parse_server(read_request())), None)


def _list() -> None:
    entries = open_world().index.entries().values()
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


def _hex(world: World, server: str) -> Target | None:
    """Return the target that `server` is if hexauth logs in there; docker leaves the scheme out."""
    try:
        target = parse_target(server if "://" in server else f"https://{server}", world.settings)
    except UsageError:
        return None
    return target if server_for(world, target) else None
