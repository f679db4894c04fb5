"""The credentials of one proxy: what `get` hands out for its routes, until a server refuses it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from hexauth.credentials import sources
from hexauth.credentials.request import Request
from hexauth.errors import Declined, Expired, Interrupted, LoginRequired, Refused
from hexauth.login.ending import reject
from hexauth.login.tokens import Tokens
from hexauth.machine.clock import Deadline
from hexauth.model import Credential, Kind
from hexauth.proxy.routes import Route
from hexauth.servers.repositories import find_repository
from hexauth.servers.targets import hex_target, repository_target
from hexauth.vault.home import Home

NOTHING_SECONDS = 1
"""How long it is believed that there is no credential: another program may log in meanwhile."""

ENDLESS_SECONDS = 3600
"""How long it is believed that a credential without an end still is the one to hand out."""

OVER = Deadline(0)

NO_SECONDS = 60
"""How long a person who has said no is not asked again by this proxy."""


@dataclass
class Supply:
    """What is known of each route's credential. Threads may share it."""

    open_home: Callable[[], Home]
    ask: bool | None
    """Whether a person may be asked to log in; None leaves it to the surroundings."""
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _kept: dict[tuple[str, bool], tuple[Credential | None, Deadline]] = field(default_factory=dict)
    _no: Deadline = field(default_factory=lambda: OVER)
    _lock: Lock = field(default_factory=Lock)
    _asking: Lock = field(default_factory=Lock)

    def at_hand(self, route: Route) -> Credential | None:
        """Return the credential for `route` that is to be had without asking anybody.

        Raises `Unreachable`, `VaultError` and the like.
        """
        credential, end = self._kept.get(route.owner, (None, OVER))
        if not end.is_over():
            return credential
        with self._lock:
            credential, end = self._kept.get(route.owner, (None, OVER))
            return self._get(route, ask=False) if end.is_over() else credential

    def asked(self, route: Route) -> Credential | None:
        """Return the credential for `route`, with a login that the person makes if need be.

        None if there is to be none: the person says no, or nobody is there.
        """
        with self._asking:  # who waited for a "no" does not ask again
            return self._get(route, ask=self.ask) if self._no.is_over() else None

    def renewed(self, route: Route, rejected: Credential) -> Credential | None:
        """Return another credential than the one that the server has rejected, if there is one."""
        home = self.open_home()
        with self._lock:
            self._kept.pop(route.owner, None)
            try:
                if rejected.login is not None and rejected.kind is not Kind.KEY:
                    reject(Tokens(home, rejected.login), rejected.secret)
            finally:
                home.close()
            again = self._get(route, ask=False)
        return None if again is None or again.secret == rejected.secret else again

    def _get(self, route: Route, *, ask: bool | None) -> Credential | None:
        home = self.open_home()
        credential: Credential | None = None
        try:
            request = _request(home, route, ask)
            credential = None if request is None else sources.find(request)
        except LoginRequired:
            pass
        except Refused:  # the server's answer, not a person's
            raise
        except (Declined, Expired, Interrupted):
            self._no = self._deadline(NO_SECONDS)
        finally:
            home.close()
        seconds: float = NOTHING_SECONDS
        if credential is not None:
            end = credential.expires_at
            left = ENDLESS_SECONDS if end is None else end - self.now()
            seconds = left if end is None else max(left - home.settings.min_ttl, left / 10)
        self._kept[route.owner] = credential, self._deadline(seconds)
        return credential

    def _deadline(self, seconds: float) -> Deadline:
        """Return when something is out of date, by the clock of the tokens or by one nobody sets.

        Asking again costs little.
        """
        return Deadline(seconds, self.now, self.monotonic)


def _request(home: Home, route: Route, ask: bool | None) -> Request | None:
    """Return what asks for the credential; None if `route` leads past the repository it is for."""
    if route.is_api:
        return Request(home, hex_target(home.settings), ask=ask)
    repository = find_repository(route.repository, home.settings)
    if not route.url.startswith(f"{repository.url}/"):
        return None
    return Request(home, repository_target(repository), ask=ask)
