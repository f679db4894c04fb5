"""The outside world, listed in one place and handed to whoever needs it."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from hexauth import git_config
from hexauth.clock import Deadline
from hexauth.config import Settings, load
from hexauth.hot import Front
from hexauth.system import Places, Screen, is_graphical, open_browser, places, screen
from hexauth.vault import Vault
from hexauth.vault.choose import AUTO, Choice, choose, open_vault
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
    monotonic: Callable[[], float] = time.monotonic
    front: Front = field(default_factory=Front, repr=False)
    """What this process learned before it came here."""

    _vaults: dict[str, Vault] = field(default_factory=dict, repr=False)
    _choices: dict[str, Choice] = field(default_factory=dict, repr=False)

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline that is `seconds` away, by this world's clocks."""
        return Deadline(seconds, now=self.now, monotonic=self.monotonic)

    def choice(self, entry: str) -> Choice:
        """Return which vault `entry` is in, or will be, and why; found out when first needed."""
        if entry not in self._choices:
            entries = self.index.entries()
            self._choices[entry] = choose(self.settings, self.environ, entries, entry)
        return self._choices[entry]

    def vault(self, entry: str) -> Vault:
        """Return the vault that `entry` is in, or will be."""
        return self.open(self.choice(entry).name)

    def open(self, name: str) -> Vault:
        """Return the vault called `name`; each is made once, as it may have a call under way."""
        if name not in self._vaults:
            self._vaults[name] = open_vault(name, self.settings, self.places, self.environ)
        return self._vaults[name]

    def settle(self, seconds: float) -> None:
        """Wait, at most `seconds` for each vault, until late writes have ended."""
        for vault in self._vaults.values():
            vault.settle(seconds)

    def note(self, entry: str, **facts: str) -> None:
        """Note in the index that `entry` is in its vault, with `facts` beside what was noted.

        Raises `VaultError`.
        """
        vault = self.choice(entry).name
        self.index.put(entry, {**self.index.entries().get(entry, {}), "vault": vault, **facts})
        if self.settings.vault == AUTO and AUTO not in self.index.entries():
            self.index.put(AUTO, {"vault": vault})

    def forget(self, entry: str) -> None:
        """Note that `entry` is gone from its vault; after the last one `auto` chooses anew.

        One that was put into another vault is still there, and stays noted.
        """
        if self.index.entries().get(entry, {}).get("vault") == self.choice(entry).name:
            self.index.drop(entry)
        if set(self.index.entries()) == {AUTO}:
            self.index.drop(AUTO)

    @property
    def index(self) -> Index:
        """The index of what the vaults hold."""
        return Index(self.places.state)

    @cached_property
    def git_oauth(self) -> Mapping[str, Mapping[str, str]]:
        """What git was told of OAuth servers; asked when nobody else knows a server."""
        return git_config.oauth(self.environ)

    @cached_property
    def http(self) -> "requests.Session":
        """The HTTP session; opened when first needed, as requests takes 110 ms to import."""
        from hexauth.http import open_session

        if self.settings.unsafe_https:
            self.screen.say("HEX_UNSAFE_HTTPS is set: no certificate is checked.")
        return open_session(self.settings)

    def close(self) -> None:
        """Close the HTTP session, if one was opened."""
        if "http" in self.__dict__:
            self.http.close()

    @property
    def browse(self) -> Callable[[str], bool]:
        """A function that opens an URL in the person's browser, if there is one to be seen."""
        return partial(open_browser, environ=self.environ)

    def may_ask(self, flag: bool | None) -> bool:
        """Tell whether this run may ask the person to log in; `flag` is `--login/--no-login`."""
        if flag is not None:
            return flag
        if self.settings.no_login or self.settings.ci or not git_config.may_ask(self.environ):
            return False
        return self.screen.visible or is_graphical(self.environ)


def open_world(front: Front | None = None, **flags: object) -> World:
    """Return the world as this process sees it; `flags` are settings given as options.

    `front` is what was learned before the command was known. Raises `UsageError` if a setting
    makes no sense.
    """
    found = places(os.environ)
    settings = load(os.environ, found.config, flags)
    return World(os.environ, settings, found, screen(sys.stderr), front=front or Front())
