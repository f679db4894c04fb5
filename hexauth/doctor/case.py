"""What is examined: the outside world and its user's vaults, looked at and left as they were."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from hexauth.errors import HexauthError, UsageError, VaultError
from hexauth.hot import Front
from hexauth.machine.folders import places
from hexauth.machine.private import exposure
from hexauth.machine.terminal import screen
from hexauth.model import Login
from hexauth.vault.home import Home
from hexauth.vault.keyring import would_ask
from hexauth.vault.vaults import Vaults
from hexauth.world.settings import SETTINGS, Settings


@dataclass(frozen=True)
class Case(Home):
    """A home that nothing is added to."""

    programs: Path = Path()
    """The folder of this installation's own programs."""
    fault: HexauthError | None = None
    """Why the settings cannot be read; those here are then the usual ones, and nothing is sent."""
    platform: str = sys.platform

    @classmethod
    def admit(cls, programs: Path, front: Front | None, flags: Mapping[str, object]) -> Self:
        """Return this process's case, even if its settings make no sense."""
        try:
            return replace(cls.open(front, **flags), programs=programs)
        except UsageError as error:
            settings = Settings(
                sources={each.name: "" for each in SETTINGS},
                **{each.name: each.default for each in SETTINGS} | {"offline": True},
            )
            try:
                here = places(os.environ)
            except UsageError:
                here = places({**os.environ, "HEXAUTH_HOME": ""})
            eyes = screen(sys.stderr)
            return cls(os.environ, settings, here, eyes, programs=programs, fault=error)

    @cached_property
    def vaults(self) -> Vaults:
        """The vaults, which make no file of their own."""
        return Vaults(self.settings, self.places, self.environ, is_guest=True)

    @cached_property
    def logins(self) -> list[Login]:
        """The logins that the index knows; none if it cannot be read, which its own check tells."""
        with suppress(VaultError):
            return [login for login, _ in self.vaults.logins()]
        return []

    def closed(self, vault: str) -> str:
        """Return why a vault is not to be read: somebody would be asked; empty if it may be."""
        return self._keyring_asks if vault == "keyring" else self._file_asks

    @cached_property
    def _keyring_asks(self) -> str:
        return would_ask(self.environ, self.platform, seconds=self.settings.vault_timeout) or ""

    @cached_property
    def _file_asks(self) -> str:
        settings = self.settings
        if others := exposed(self.places.vault):
            return others
        if settings.passphrase_command and not (settings.passphrase or settings.passphrase_file):
            return "the command that tells its passphrase may ask somebody"
        return ""


def exposed(folder: Path) -> str:
    """Return who else has to do with a folder that is to be the user's alone; empty if nobody."""
    if os.name != "posix" or not folder.exists():
        return ""
    others = exposure(folder.stat(), 0o077)
    return f"its folder {folder} {others}" if others else ""


def is_changeable(folder: Path) -> bool:
    """Tell whether others could put something into a folder that is `exposed`, or own it."""
    return exposure(folder.stat(), 0o022) is not None


def unmakable(folder: Path, access: Callable[[Path, int], bool] = os.access) -> str:
    """Return why `folder`, which is not there, could not be made; empty if it could be."""
    above = next(each for each in folder.parents if os.path.lexists(each))
    if not above.is_dir():
        return f"{above} is no folder"
    return "" if access(above, os.W_OK | os.X_OK) else f"{above} cannot be written to"
