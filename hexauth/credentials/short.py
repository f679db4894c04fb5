"""Answers what a tool has stored, with few imports: from the request to the vault and back.

It is what git and docker ask most. Whatever takes more than reading an entry, and every host that
a login could be for, is left to `sources`: the bytes are the same either way.
"""

import os
import sys
import time

from hexauth import hot
from hexauth.credentials.note import Vaults, noted, origin, split
from hexauth.vault import quick

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable

    from hexauth.hot import Front
    from hexauth.model import Credential, Target

    Render = Callable[[Credential], bytes]

DOCKER = "docker"
"""What docker stored goes by this protocol: its servers are no URLs that others ask for."""


def answer_soon(front: "Front", door: str) -> None:
    """Answer what the arguments ask at `door` and end the process, if few imports are enough.

    `hot` has had its turn. Nothing is written otherwise: any doubt is for the rest.
    """
    words, front.is_tried = sys.argv[1:], True
    if sys.platform != "linux" or front.interrupted or "get" not in (words[:1] + words[-1:]):
        return
    try:
        _answer_stored(front, door, words)
        from hexauth.memory import waiting

        waiting.wait(front, door)
        from hexauth.credentials import fresh

        fresh.answer(front)
    except KeyboardInterrupt:
        front.interrupted = True
    except Exception:  # noqa: S110  (any doubt is for the rest)
        pass


def _answer_stored(front: "Front", door: str, words: list[str]) -> None:
    """Answer what was asked at `door` and end the process, if a tool has stored it.

    Also if nothing is stored, and a person could not be asked for it either.
    """
    is_docker = door == "docker" and words == ["get"]
    if not is_docker and (front.plain is None or not front.wanted or not front.wanted[0]):
        return
    here = "" if front.wanted is None else os.fsdecode(front.wanted[0])
    note = noted(front)
    if note is None or here in note.origins.split(" "):
        return
    protocol, _, host = here.partition("://")
    if is_docker:
        front.request = sys.stdin.buffer.read()
        protocol, host = DOCKER, front.request.decode().strip()
    drawer = quick.drawer(protocol, host)
    with Vaults(note, [drawer]) as vaults:
        import hexauth.model  # noqa: F401  (the rest needs it; the keyring answers meanwhile)

        vaults.go_on()
        from hexauth.vault import drawers

        request = _docker(front) if is_docker else _asked(front)
        if request is None or (not is_docker and vaults.has_login(request[0])):
            return
        target, authtype, render = request
        kept = drawers.parse(vaults.read(drawer)[0]) if drawers.name(target) == drawer else None
        if kept is None:
            return
        found = drawers.choose(kept, target, time.time(), authtype=authtype)
        if found is not None:
            hot.leave(render(drawers.credential(found, target)))
        if is_docker:
            _leave_docker(vaults, str(target.host))
        elif front.plain is not None and not front.plain[0] and not _is_told_to_git(target):
            hot.leave(b"")


def _leave_docker(vaults: "Vaults", server: str) -> None:
    """Say that nothing is stored, unless a login could be for `server`."""
    web = _web(server)
    if web is not None and not vaults.has_login(web) and not _is_told_to_git(web):
        from hexauth.protocols import docker

        hot.leave(f"{docker.NOT_FOUND}\n".encode(), 1)


def _web(server: str) -> "Target | None":
    """Return the address that docker's `server` is, which leaves the scheme out, if it is plain."""
    url = server if "://" in server else f"https://{server}"
    scheme, host = split(url)
    is_plain = hot.PLAIN.issuperset(url.replace(":", "").encode())
    from hexauth.model import Target

    return Target("https", host) if scheme == "https" and host and is_plain else None


def _is_told_to_git(target: "Target") -> bool:
    """Tell whether git was told of an OAuth server at `target`, at which a person might log in."""
    from hexauth.world import git_config

    here = origin(str(target.protocol), str(target.host))
    return any(here == origin(*split(url)) for url in git_config.oauth(os.environ))


def _asked(front: "Front") -> "tuple[Target, bool, Render] | None":
    """Return the target, whether other schemes than Basic are understood, and how to answer."""
    if front.plain is None:
        return None
    url, form, _ = front.plain
    if not url:
        return _git(front.request or b"", form)
    if not url.startswith("https://") or "@" in url:
        return None
    from hexauth.model import Target
    from hexauth.protocols import shell

    host, _, path = url[8:].partition("/")
    target = Target("https", host, path.strip("/") or None)
    if form == "git":
        from hexauth.protocols import git

        return target, True, git.render
    return target, True, lambda credential: shell.render(credential, form)


def _git(description: bytes, form: str) -> "tuple[Target, bool, Render] | None":
    from hexauth.protocols import git

    given = git.parse(description)
    if not given.target.protocol or not given.target.host:
        return None
    if form == "git":
        authtype = "authtype" in given.capabilities
        return given.target, authtype, lambda found: git.render(found, given.capabilities)
    from hexauth.protocols import shell

    return given.target, True, lambda found: shell.render(found, form)


def _docker(front: "Front") -> "tuple[Target, bool, Render] | None":
    from hexauth.model import Target
    from hexauth.protocols import docker

    server = docker.parse_server(front.request or b"")
    return Target(DOCKER, server), True, lambda found: docker.render(server, found)
