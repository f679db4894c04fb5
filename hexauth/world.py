"""The outside world, listed in one place and handed to whoever needs it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from hexauth.config import Settings, git_may_ask
from hexauth.system import Places, Screen, is_graphical, open_browser
from hexauth.vault import Vault
from hexauth.vault.choose import Choice, choose
from hexauth.vault.index import Index

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class World:
    """What a run of hexauth can see and do; tests give fakes for time and for faults."""

    environ: Mapping[str, str]
    settings: Settings
    places: Places
    screen: Screen
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.time
    """Unix seconds."""

    @cached_property
    def choice(self) -> Choice:
        """The vault in use, and why; found out when first needed."""
        return choose(self.settings, self.places, self.environ, self.index)

    @property
    def vault(self) -> Vault:
        """The vault in use."""
        return self.choice.vault

    @property
    def index(self) -> Index:
        """The index of what the vaults hold."""
        return Index(self.places.state)

    @cached_property
    def http(self) -> "requests.Session":
        """The HTTP session; opened when first needed, as requests takes 110 ms to import."""
        from hexauth.oauth import open_session

        return open_session()

    @property
    def browse(self) -> Callable[[str], bool]:
        """A function that opens an URL in the person's browser, if there is one to be seen."""
        return partial(open_browser, environ=self.environ)

    def may_ask(self, flag: bool | None) -> bool:
        """Tell whether this run may ask the person to log in; `flag` is `--login/--no-login`."""
        if flag is not None:
            return flag
        if self.settings.no_login or self.settings.ci or not git_may_ask(self.environ):
            return False
        return self.screen.visible or is_graphical(self.environ)
