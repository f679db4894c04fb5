"""Answers what a tool has stored, with few imports: from the request to the vault and back.

It is what git and docker ask most. Whatever takes more than reading an entry, and every host that
a login could be for, is left to `sources`: the bytes are the same either way.
"""

import os
import sys
import time

from hexauth import hot
from hexauth.credentials.note import Note
from hexauth.model import Target
from hexauth.vault import drawers, quick

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hexauth.hot import Front
    from hexauth.model import Credential

    Render = Callable[[Credential], bytes]

DOCKER = "docker"
"""What docker stored goes by this protocol: its servers are no URLs that others ask for."""


def answer(front: "Front", door: str, words: list[str]) -> None:
    """Answer what was asked at `door` and end the process, if a tool has stored it."""
    request = _request(front, door, words)
    note = None if request is None else Note.read()
    if request is None or note is None:
        return
    target, authtype, render = request
    index = quick.entries(b"\n".join(hot.read(f"{note.state}/index.json")))
    if target.protocol != DOCKER and _is_of_a_login(target, note, index):
        return
    drawer = drawers.name(target)
    found = drawers.choose(
        drawers.parse(_read(note, index, drawer, [drawer])[0]),
        target,
        time.time(),
        authtype=authtype,
    )
    if found is not None:
        hot.leave(render(drawers.credential(found, target)))
    elif target.protocol == DOCKER:
        web = _web(str(target.host))
        if web is not None and not _is_of_a_login(web, note, index) and not _is_told_to_git(web):
            from hexauth.protocols import docker

            hot.leave(f"{docker.NOT_FOUND}\n".encode(), 1)
    elif front.plain is not None and not front.plain[0] and not _is_told_to_git(target):
        hot.leave(b"")


def _web(server: str) -> Target | None:
    """Return the address that docker's `server` is, which leaves the scheme out, if it is plain."""
    url = server if "://" in server else f"https://{server}"
    scheme, host = _split(url)
    is_plain = hot.PLAIN.issuperset(url.replace(":", "").encode())
    return Target("https", host) if scheme == "https" and host and is_plain else None


def _is_told_to_git(target: Target) -> bool:
    """Tell whether git was told of an OAuth server at `target`, at which a person might log in."""
    from hexauth.world import git_config

    here = _origin(str(target.protocol), str(target.host))
    return any(here == _origin(*_split(url)) for url in git_config.oauth(os.environ))


def _request(front: "Front", door: str, words: list[str]) -> "tuple[Target, bool, Render] | None":
    """Return the target, whether other schemes than Basic are understood, and how to answer."""
    if door == "docker":
        return _docker(front) if words == ["get"] else None
    if front.plain is None or front.wanted is None:
        return None
    url, form, _ = front.plain
    if not url:
        return _git(front.request or b"", form)
    if not url.startswith("https://") or "@" in url:
        return None
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
    from hexauth.protocols import docker

    front.request = data = sys.stdin.buffer.read()
    server = docker.parse_server(data)
    return Target(DOCKER, server), True, lambda found: docker.render(server, found)


def _is_of_a_login(target: Target, note: Note, index: "Mapping[str, Mapping[str, str]]") -> bool:
    """Tell whether a login, or a repository's key, could be for `target`."""
    here = _origin(str(target.protocol), str(target.host))
    if here in note.origins.split(" "):
        return True
    servers = (facts["server"] for facts in index.values() if "server" in facts)
    return any(here == _origin(*_split(url)) for url in servers)


def _origin(protocol: str, host: str) -> str:
    """Return what `urls.origin` does, mostly without importing it."""
    here = f"{protocol}://{host}"
    if here.islower() and ":" not in host:
        return here
    from hexauth.world.urls import origin

    return origin(protocol, host)


def _split(url: str) -> tuple[str, str]:
    """Return scheme and host of a server's URL, which holds no more than a path beside."""
    scheme, _, rest = url.partition("://")
    return scheme, rest.partition("/")[0]


def renew_memory(front: "Front") -> None:
    """Answer with the login's token from the vault, if it is fresh, and put it into memory.

    The caller has waited for the login's mutex, and may hold it.
    """
    from hexauth.memory import lines

    pointer, mutex = front.pointer, front.path
    if front.wanted is None or not pointer or not front.holds(os.fsdecode(pointer[3])):
        return
    note = Note.read()
    login = mutex.rpartition("/")[2].removesuffix(".token.lock")
    if note is None or pointer[4] == lines.NOWHERE or _has_unsaved():
        return
    index = quick.entries(b"\n".join(hot.read(f"{note.state}/index.json")))
    entry = f"login/{login}"
    if not _is_alone(index, entry):
        return
    from hexauth.vault import logins

    refresh, access = _read(note, index, entry, [f"{entry}/refresh", f"{entry}/access"])
    token = logins.parse(access, refresh)
    if token is None or token.expires_at is None or not token.is_fresh(time.time(), note.min_ttl):
        return
    answers = lines.answers(token, os.fsdecode(pointer[5]), note.min_ttl)
    times = lines.span(token, note.min_ttl)
    found = lines.write(front.name, pointer[:6], times, answers, os.environ)
    if (answer := hot.find(found, front.wanted)) is not None:
        hot.leave(answer)


def _has_unsaved() -> bool:
    """Tell whether a token may be in memory that its vault has not taken."""
    from hexauth.memory.folder import UNSAVED

    for folder in hot.folders(os.environ):
        try:
            names = os.listdir(folder)  # noqa: PTH208  (pathlib takes 5 ms)
        except FileNotFoundError:
            continue
        if any(name.startswith(UNSAVED) for name in names):
            return True
    return False


def _is_alone(index: "Mapping[str, Mapping[str, str]]", entry: str) -> bool:
    """Tell whether `entry` is the only login at its server, and no repository has a key."""
    facts = index.get(entry, {})
    if "server" not in facts or any("kinds" in each for each in index.values()):
        return False
    others = (each for name, each in index.items() if name != entry and "exchange" not in each)
    return all(each.get("server") != facts["server"] for each in others)


def _read(
    note: Note, index: "Mapping[str, Mapping[str, str]]", entry: str, names: "Sequence[str]"
) -> "list[str | None]":
    """Return the values of `names`, which are all in the vault of `entry`. Raises `Unusual`."""
    if note.vault == quick.AUTO:
        known = quick.noted(index, entry)
        if known is None:
            raise quick.Unusual(entry)
        vault = known[0]
    else:
        vault = note.vault
    if vault == "file":
        return quick.from_file(note.file, names)
    path = quick.socket_path(os.environ)
    is_configured = os.environ.get("PYTHON_KEYRING_BACKEND") or hot.stamp(note.keyringrc) != b"-"
    if path is None or is_configured:
        raise quick.Unusual(vault)
    mutex = f"{note.state}/keyring.lock"
    return quick.from_keyring(path, note.namespace, names, mutex, note.vault_timeout)
