"""What a run has found out of its surroundings, noted for runs in the same ones.

Settings, their file and the places of a home take 40 ms to find out. The note goes by the variables
that they depend on (`hot.file_name`), and by config.toml's stamp.
"""

import os

from hexauth import hot
from hexauth.credentials.short import FIELDS, surroundings

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than a stored password
if TYPE_CHECKING:
    from hexauth.vault.home import Home


def keep(home: "Home") -> None:
    """Note what `home` is like, for the next run; a run with flags is like no other.

    Losing the note costs time alone.
    """
    import sys

    from hexauth.errors import VaultError
    from hexauth.machine.files import write_private
    from hexauth.machine.private import private_folder
    from hexauth.memory.folder import prune
    from hexauth.memory.waiting import NO_MEMORY
    from hexauth.servers.repositories import configured_origins
    from hexauth.vault.backends import keyringrc
    from hexauth.vault.quick import AUTO

    settings, places, name = home.settings, home.places, surroundings()
    if (
        sys.platform != "linux"
        or home.environ is not os.environ
        or name is None
        or settings.flagged
    ):
        return
    first = home.vaults.facts(AUTO).get("vault", "")
    values = {
        "cache": "cache on" if settings.cache else os.fsdecode(NO_MEMORY),
        "vault": settings.vault,
        "first": first if settings.vault == AUTO else settings.vault,
        "vault_timeout": settings.vault_timeout,
        "file": places.vault / "vault.json",
        "namespace": places.namespace,
        "keyringrc": keyringrc(home.environ),
        "state": places.state,
        "min_ttl": settings.min_ttl,
        "cache_stored": settings.cache_stored if settings.cache else 0,
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
