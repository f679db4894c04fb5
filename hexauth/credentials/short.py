"""Answers what a tool has stored, with few imports: from the request to the vault and back.

It is what git and docker ask most. Whatever takes more than reading an entry, and every host that
a login could be for, is left to `sources`: the bytes are the same either way.
"""

import os
import sys
import time

from hexauth import hot
from hexauth.vault import quick

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hexauth.hot import Front
    from hexauth.memory.kept import Kept
    from hexauth.model import Credential, Target

    Render = Callable[[Credential], bytes]

DOCKER = "docker"
"""What docker stored goes by this protocol: its servers are no URLs that others ask for."""


def answer(front: "Front", door: str) -> None:
    """Answer what the arguments ask at `door` and end the process, if a tool has stored it.

    `hot` has had its turn. Nothing is written otherwise: any doubt is for the rest.
    """
    words = sys.argv[1:]
    if sys.platform != "linux" or front.interrupted or front.is_verbose:
        return
    if "get" not in (words[:1] + words[-1:]):
        return
    try:
        _answer(front, door, words)
    except KeyboardInterrupt:
        front.interrupted = True
    except Exception:  # noqa: S110  (any doubt is for the rest)
        pass


def _answer(front: "Front", door: str, words: list[str]) -> None:
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
    kept = _kept(note, drawer) if note.cache_stored else None
    text = None if kept is None else kept.read()
    with Vaults(note, [drawer] if text is None else []) as vaults:
        vaults.go_on()  # each time, the keyring answers while the next modules are imported
        from hexauth.vault import drawers

        vaults.go_on()
        request = _docker(front) if is_docker else _asked(front)
        if request is None or (not is_docker and vaults.has_login(request[0])):
            return
        target, authtype, rendered = request
        if drawers.name(target) != drawer:
            return
        if text is None:
            (text,) = vaults.read(drawer)
            if kept is not None:
                kept.write(text)
        found = drawers.choose(drawers.parse(text), target, time.time(), authtype=authtype)
        if found is not None:
            hot.leave(rendered(drawers.credential(found, target)))
        if is_docker:
            _leave_docker(vaults, str(target.host))
        elif front.plain is not None and not front.plain[0] and not _is_told_to_git(target):
            hot.leave(b"")


def _kept(note: "Note", drawer: str) -> "Kept | None":
    """Return where in memory the drawer is kept for a while."""
    from hexauth.memory.kept import Kept

    name, config = surroundings(), os.fsdecode(note.config)
    if name is None:
        return None
    return Kept(name, drawer, note.cache_stored, config, note.state, os.environ)


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

    host, _, path = url[8:].partition("/")
    name, colon, port = host.partition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16
    if not name or not hot.PLAIN.issuperset(os.fsencode(name)) or is_port != bool(colon):
        return None
    target = Target("https", host, path.strip("/") or None)
    return target, True, lambda found: render(found, form)


def _git(description: bytes, form: str) -> "tuple[Target, bool, Render] | None":
    from hexauth.protocols import git

    given = git.parse(description)
    if not given.target.protocol or not given.target.host:
        return None
    authtype = "authtype" in given.capabilities or form != "git"
    return given.target, authtype, lambda found: render(found, form, given.capabilities)


def render(credential: "Credential", form: str, capabilities: "Sequence[str]" = ()) -> bytes:
    """Return what `hexauth get` answers in a format; `capabilities` are git's."""
    if form == "git":
        from hexauth.protocols import git

        return git.render(credential, capabilities)
    from hexauth.protocols import shell

    return shell.render(credential, form)


def _docker(front: "Front") -> "tuple[Target, bool, Render] | None":
    from hexauth.model import Target
    from hexauth.protocols import docker

    server = docker.parse_server(front.request or b"")
    return Target(DOCKER, server), True, lambda found: docker.render(server, found)


FIELDS = (
    "cache",
    "vault",
    "first",
    "vault_timeout",
    "file",
    "namespace",
    "keyringrc",
    "state",
    "min_ttl",
    "cache_stored",
    "origins",
)
"""What a line says after the first three: the version, config.toml, and its stamp."""


class Note:
    """What an earlier run has noted of these surroundings; see `note.keep`. Raises ValueError.

    `config` is the path of config.toml.
    """

    def __init__(self, config: bytes, values: "Sequence[str]") -> None:
        self.config = config
        _, self.vault, self.first, timeout, self.file, self.namespace, *rest = values
        self.keyringrc, self.state, min_ttl, cache_stored, self.origins = rest
        self.vault_timeout, self.min_ttl = int(timeout), int(min_ttl)
        self.cache_stored = int(cache_stored)


def surroundings() -> str | None:
    """Return the name of these surroundings; keys that are given do not matter here."""
    return hot.file_name({**os.environ, "HEX_API_KEY": "", "HEX_REPOS_KEY": ""})


def noted(front: "Front") -> Note | None:
    """Return what is noted of these surroundings, if it still is so."""
    name = next(iter(front.seen), None) or surroundings()
    lines = [] if name is None else hot.read(hot.note_path(name))
    if not hot.is_current(lines):
        return None
    return Note(lines[1], [os.fsdecode(line) for line in lines[3:]])


class Vaults:
    """The vaults that `note` tells of, of which the entries `names` are to be read.

    The keyring sets out at once, if new entries go there: it works while more is imported.
    """

    def __init__(self, note: "Note", names: "Sequence[str]") -> None:
        self._note, self._names = note, names
        self._keyring = self._set_out() if names and note.first == "keyring" else None
        self.index = quick.entries(b"\n".join(hot.read(f"{note.state}/index.json")))

    def __enter__(self) -> "Vaults":
        return self

    def __exit__(self, *failure: object) -> None:
        if self._keyring is not None:
            self._keyring.close()

    def _set_out(self) -> quick.Keyring:
        note, path = self._note, quick.socket_path(os.environ)
        is_configured = hot.stamp(note.keyringrc) != b"-"
        if path is None or is_configured or os.environ.get("PYTHON_KEYRING_BACKEND"):
            raise quick.Unusual("keyring knows what it would take")
        mutex = f"{note.state}/keyring.lock"
        return quick.Keyring(path, mutex, note.vault_timeout, note.namespace, self._names)

    def go_on(self) -> None:
        """Let the keyring go on with what it is about."""
        if self._keyring is not None:
            self._keyring.go_on()

    def has_login(self, target: "Target") -> bool:
        """Tell whether a login, or a repository's key, could be for `target`."""
        here = origin(str(target.protocol), str(target.host))
        if here in self._note.origins.split(" "):
            return True
        servers = (facts["server"] for facts in self.index.values() if "server" in facts)
        return any(here == origin(*split(url)) for url in servers)

    def read(self, entry: str) -> "list[str | None]":
        """Return the values of the names, which are all in the vault of `entry`.

        Raises `quick.Unusual` and `bus.Unusual`.
        """
        note, vault = self._note, self._note.vault
        if vault == quick.AUTO:
            known = quick.noted(self.index, entry)
            if known is None:
                raise quick.Unusual("no vault is known")
            vault = known[0]
        if vault not in quick.NAMES:
            raise quick.Unusual("it is shared, and may have changed")
        if vault == "file":
            return quick.from_file(note.file, self._names)
        if self._keyring is None:
            self._keyring = self._set_out()
        return self._keyring.read()


def origin(protocol: str, host: str) -> str:
    """Return what `urls.origin` does, mostly without importing it."""
    here = f"{protocol}://{host}"
    is_plain = here.isascii() and here.islower() and "[" not in here
    if is_plain and not host.endswith((":443", ":80")):
        return here
    from hexauth.world import urls

    return urls.origin(protocol, host)


def split(url: str) -> tuple[str, str]:
    """Return scheme and host of a server's URL, which holds no more than a path beside."""
    scheme, _, rest = url.partition("://")
    return scheme, rest.partition("/")[0]
