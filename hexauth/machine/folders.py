"""Where hexauth, and what it works with, keep their files on this platform."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import UsageError


@dataclass(frozen=True)
class Places:
    """Where hexauth keeps what it keeps."""

    config: Path
    """The file `config.toml`."""
    vault: Path
    """The folder of the file vault."""
    state: Path
    """The folder of mutexes, records and the index."""
    namespace: str
    """What the entries of the OS keyring begin with; another home has other entries."""


def places(environ: Mapping[str, str], platform: str = sys.platform) -> Places:
    """Return the places that `environ` and `platform` give.

    Below `HEXAUTH_HOME` where it is set. Otherwise the platform's directories; but the vault and
    the mutexes ignore `XDG_*` (which platformdirs obeys on macOS too): a desktop session, cron and
    ssh set them differently, and whoever shares the secrets must share the lock. Raises
    `UsageError` if `HEXAUTH_HOME` makes no sense.
    """
    if home := environ.get("HEXAUTH_HOME"):
        try:
            root = Path(home).expanduser().absolute()
        except RuntimeError:
            raise UsageError(
                "$HEXAUTH_HOME names the home of nobody here.",
                hint="Set it to the whole path of a folder, such as /home/me/hexauth.",
            ) from None
        return Places(
            config=root / "config.toml",
            vault=root / "vault",
            state=root / "state",
            namespace=f"hexauth@{root}",
        )
    if platform == "win32":
        return _below(_local_app_data(environ) / "hexauth")
    user = home_folder(environ)
    if platform == "darwin":
        return _below(user / "Library" / "Application Support" / "hexauth")
    config = base_folder(environ, "XDG_CONFIG_HOME") / "hexauth"
    state = user / ".local" / "state" / "hexauth"
    return Places(config / "config.toml", state / "vault", state, "hexauth")


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's own folder."""
    return Path(environ.get("HOME") or Path.home())


BASES = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_CACHE_HOME": ".cache",
}
"""Where the folders of the XDG base directory specification are, if no variable moves them."""


def base_folder(environ: Mapping[str, str], variable: str) -> Path:
    """Return the folder that `variable`, one of `BASES`, names, or its usual place."""
    return Path(environ.get(variable) or home_folder(environ) / BASES[variable])


def _local_app_data(environ: Mapping[str, str]) -> Path:
    """Return what `LOCALAPPDATA` says, as it does for every kind of logon; else ask Windows."""
    from platformdirs import user_data_path

    return Path(environ.get("LOCALAPPDATA") or user_data_path())


def _below(folder: Path) -> Places:
    return Places(folder / "config.toml", folder / "vault", folder / "state", "hexauth")
