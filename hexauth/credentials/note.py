"""What a run has found out of its surroundings, noted for runs in the same ones.

Settings, their file and the places of a home take 40 ms to find out. The note goes by the variables
that they depend on (`hot.file_name`), and by config.toml's stamp.
"""

import os

from hexauth import hot
from hexauth.model import Value

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than a stored password
if TYPE_CHECKING:
    from typing import Self

    from hexauth.vault.home import Home


class Note(Value):
    """What is noted; seconds are whole."""

    vault: str
    """The setting of that name: `auto`, `keyring` or `file`."""
    vault_timeout: int
    file: str
    """The path of the file vault."""
    namespace: str
    """What the entries of the OS keyring begin with."""
    keyringrc: str
    """The file in which keyring is configured, if there is one."""
    state: str
    """The state folder."""
    min_ttl: int
    cache_stored: int
    origins: str
    """The origins for which the settings name a server or a repository, with spaces between."""

    @classmethod
    def read(cls) -> "Self | None":
        """Return what is noted of these surroundings, if it still is so."""
        name = _name()
        lines = [] if name is None else hot.read(hot.note_path(name))
        if not hot.is_current([*lines, b"", b""]) or len(lines) != 3 + len(cls.__annotations__):
            return None
        values = dict(zip(cls.__annotations__, map(os.fsdecode, lines[3:]), strict=True))
        numbers = {name: int(values[name]) for name in NUMBERS}
        return cls(**{**values, **numbers})  # type: ignore[arg-type]  # just seen


NUMBERS = ("vault_timeout", "min_ttl", "cache_stored")


def _name() -> str | None:
    """Return the name of these surroundings; keys that are given do not matter here."""
    return hot.file_name({**os.environ, "HEX_API_KEY": "", "HEX_REPOS_KEY": ""})


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

    settings, places, name = home.settings, home.places, _name()
    is_flagged = any(source.startswith("-") for source in settings.sources.values())
    if sys.platform != "linux" or home.environ is not os.environ or name is None or is_flagged:
        return
    note = Note(
        vault=settings.vault,
        vault_timeout=settings.vault_timeout,
        file=str(places.vault / "vault.json"),
        namespace=places.namespace,
        keyringrc=str(keyringrc(home.environ)),
        state=str(places.state),
        min_ttl=settings.min_ttl,
        cache_stored=settings.cache_stored,
        origins=" ".join(configured_origins(settings)),
    )
    config = os.fsencode(places.config)
    lines = [hot.VERSION, config, hot.stamp(config)]
    lines += [os.fsencode(str(value)) for value in vars(note).values()]
    path = hot.note_path(name)
    if hot.read(path) == lines or any(b"\n" in line for line in lines):
        return
    try:
        folder = private_folder(private_folder(places.state) / "front")
        write_private(folder / path.rpartition("/")[2], b"\n".join(lines))
        prune(str(folder))
    except (OSError, VaultError):
        return
