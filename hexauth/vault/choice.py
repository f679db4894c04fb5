"""Which vault is in use, and why."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from hexauth.vault.quick import AUTO, POSTGRES, noted
from hexauth.world.settings import Settings
from hexauth.world.values import is_shared


@dataclass(frozen=True)
class Choice:
    """The name of a vault, and the reason it is the one in use."""

    name: str
    why: str


def choose(
    settings: Settings,
    environ: Mapping[str, str],
    entries: Mapping[str, Mapping[str, str]],
    entry: str,
    platform: str = sys.platform,
) -> Choice:
    """Return the vault for `entry`: the one that the settings name, or `auto`'s choice.

    `auto` looks where the index, `entries`, says that the entry is; a new entry goes where the
    first one went, and the first one into the OS keyring if one answers. Opens nothing: a vault
    that cannot be used says so at its first call.
    """
    if is_shared(settings.vault):
        return Choice(POSTGRES, f"set by {settings.sources['vault']}, and shared with other hosts")
    if settings.vault != AUTO:
        return Choice(settings.vault, f"set by {settings.sources['vault']}")
    if known := noted(entries, entry):
        name, where = known
        if where == entry:
            return Choice(name, "this is where it was put when it was stored")
        other = "file" if name == "keyring" else "keyring"
        why = f"chosen when hexauth first kept something; --vault {other} changes it"
        return Choice(name, why)
    from hexauth.vault.keyring import available

    reason = available(environ=environ, platform=platform)
    if reason is None:
        return Choice("keyring", "an OS keyring answers here")
    return Choice("file", f"no OS keyring: {reason}")
