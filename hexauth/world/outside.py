"""The outside world, listed in one place and handed to whoever needs it."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from hexauth import __version__
from hexauth.hot import Front
from hexauth.machine import trace
from hexauth.machine.browser import open_browser
from hexauth.machine.folders import Places, places
from hexauth.machine.terminal import Screen, screen
from hexauth.world import git_config
from hexauth.world.settings import SETTINGS, Settings, load

if TYPE_CHECKING:
    import requests

    from hexauth.world.trust import Trust
    from hexauth.world.wire import Whole


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
    beside: int = 0
    """The process that this one works for, if that is not one of its parents."""
    front: Front = field(default_factory=Front, repr=False)
    """What this process learned before it came here."""

    @classmethod
    def open(cls, front: Front | None = None, **flags: object) -> Self:
        """Return the world as this process sees it; `flags` are settings given as options.

        `front` is what was learned before the command was known. Raises `UsageError` if a setting
        makes no sense.
        """
        here = places(os.environ)
        settings = load(os.environ, here.config, flags)
        _tell(settings, here)
        return cls(os.environ, settings, here, screen(sys.stderr), front=front or Front())

    @cached_property
    def git_oauth(self) -> Mapping[str, Mapping[str, str]]:
        """What git was told of OAuth servers; asked when nobody else knows a server."""
        taken = trace.stopwatch()
        found = git_config.oauth(self.environ)
        trace.tell(f"git was told of {len(found)} OAuth servers ({taken()})")
        return found

    @cached_property
    def http(self) -> "requests.Session":
        """The HTTP session; opened when first needed, as requests takes 110 ms to import."""
        return self.session()

    def session(
        self, connections: int = 10, answers: "type[Whole] | None" = None
    ) -> "requests.Session":
        """Open another session, as `open_session` does; certificates are read once."""
        from hexauth.world.http import open_session

        return open_session(self.settings, self._trust, connections, answers)

    @cached_property
    def _trust(self) -> "Trust":
        from hexauth.world.trust import Trust

        if self.settings.unsafe_https:
            self.screen.say("HEX_UNSAFE_HTTPS is set: no certificate is checked.")
        return Trust(self.settings)

    def close(self) -> None:
        """Close the HTTP session, if one was opened."""
        if "http" in self.__dict__:
            self.http.close()

    @property
    def browse(self) -> Callable[[str], bool]:
        """A function that opens an URL in the person's browser, if there is one to be seen."""
        return partial(open_browser, environ=self.environ)


def _tell(settings: Settings, here: Places) -> None:
    """Tell what is set, and where everything is; of a secret, that it is set."""
    if settings.verbose:  # a Python program has no door that would have begun
        trace.begin()
    if not trace.is_on():
        return
    is_there = "" if here.config.exists() else " (which is not there)"
    trace.tell(
        f"hexauth {__version__}, settings from {here.config}{is_there}, state in {here.state}"
    )
    for setting in SETTINGS:
        if source := settings.sources[setting.name]:
            value = "set" if setting.secret else repr(getattr(settings, setting.name))
            trace.tell(f"setting {setting.name}: {value} ({source})")
