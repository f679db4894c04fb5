"""What a run has found out of its surroundings, noted for runs in the same ones.

Settings, their file and the places of a home take 40 ms to find out. The note goes by the variables
that they depend on (`hot.file_name`), and by config.toml's stamp.
"""

import os

from hexauth import hot
from hexauth.vault import quick

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than a stored password
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hexauth.hot import Front
    from hexauth.model import Target
    from hexauth.vault.home import Home

FIELDS = (
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
    """What an earlier run has noted of these surroundings; see `note.keep`. Raises ValueError."""

    def __init__(self, values: "Sequence[str]") -> None:
        self.vault, self.first, timeout, self.file, self.namespace, *rest = values
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
    if not hot.is_current([*lines, b"", b""]):
        return None
    return Note([os.fsdecode(line) for line in lines[3:]])


class Vaults:
    """The vaults that `note` tells of, of which the entries `names` are to be read.

    The keyring sets out at once, if new entries go there: it works while more is imported.
    """

    def __init__(self, note: "Note", names: "Sequence[str]") -> None:
        self._note, self._names = note, names
        self._keyring = self._set_out() if note.first == "keyring" else None
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
        if vault == "file":
            return quick.from_file(note.file, self._names)
        if self._keyring is None:
            self._keyring = self._set_out()
        return self._keyring.read()


def origin(protocol: str, host: str) -> str:
    """Return what `urls.origin` does, mostly without importing it."""
    here = f"{protocol}://{host}"
    if here.islower() and ":" not in host:
        return here
    from hexauth.world import urls

    return urls.origin(protocol, host)


def split(url: str) -> tuple[str, str]:
    """Return scheme and host of a server's URL, which holds no more than a path beside."""
    scheme, _, rest = url.partition("://")
    return scheme, rest.partition("/")[0]


def keep(home: "Home") -> None:
    """Note what `home` is like, for the next run; a run with flags is like no other.

    Losing the note costs time alone.
    """
    import sys

    from hexauth.errors import VaultError
    from hexauth.machine.files import private_folder, write_private
    from hexauth.memory.folder import prune
    from hexauth.servers.repositories import configured_origins
    from hexauth.vault.backends import keyringrc
    from hexauth.vault.quick import AUTO

    settings, places, name = home.settings, home.places, surroundings()
    is_flagged = any(source.startswith("-") for source in settings.sources.values())
    if sys.platform != "linux" or home.environ is not os.environ or name is None or is_flagged:
        return
    first = home.vaults.facts(AUTO).get("vault", "")
    values = {
        "vault": settings.vault,
        "first": first if settings.vault == AUTO else settings.vault,
        "vault_timeout": settings.vault_timeout,
        "file": places.vault / "vault.json",
        "namespace": places.namespace,
        "keyringrc": keyringrc(home.environ),
        "state": places.state,
        "min_ttl": settings.min_ttl,
        "cache_stored": settings.cache_stored,
        "origins": " ".join(configured_origins(settings)),
    }
    config = os.fsencode(places.config)
    lines = [hot.VERSION, config, hot.stamp(config)]
    lines += [os.fsencode(str(values[field])) for field in FIELDS]
    path = hot.note_path(name)
    if hot.read(path) == lines or any(b"\n" in line for line in lines):
        return
    try:
        folder = private_folder(private_folder(places.state) / "front")
        write_private(folder / path.rpartition("/")[2], b"\n".join(lines))
        prune(str(folder))
    except (OSError, VaultError):
        return
