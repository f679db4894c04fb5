"""Which credential a target gets: the sources, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from hexauth import hex as hexpm
from hexauth import stored
from hexauth.attempt import Arrival, arrive
from hexauth.errors import LoginRequired, Unreachable
from hexauth.login import Question, log_in
from hexauth.model import Credential, Login, Target, Token
from hexauth.session import refreshed
from hexauth.targets import hex_target, is_api, known_targets, login_for
from hexauth.tokens import cache
from hexauth.world import World


@dataclass(frozen=True)
class Search:
    """One request for a credential, and what has been seen on the way to it."""

    world: World
    target: Target
    may_ask: bool = False
    authtype: bool = True
    """Whether the caller understands other schemes than Basic, as git says with a capability."""

    @cached_property
    def login(self) -> Login | None:
        """The login whose token works at the target, if the request's user name allows it."""
        if self.target.username not in (None, self.world.settings.username):
            return None
        return login_for(self.target, self.world.settings)

    @cached_property
    def arrival(self) -> Arrival:
        """What the vault and the records said when this search first looked."""
        assert self.login is not None  # noqa: S101  (every caller has asked)
        return arrive(self.world, self.login)

    def credential(self, token: Token, source: str) -> Credential:
        """Return what is handed out for a login's `token`."""
        return Credential(
            target=self.target,
            username=self.world.settings.username,
            secret=token.access or "",
            kind=token.kind,
            expires_at=token.expires_at,
            scope=token.scope,
            source=source,
        )


def from_environment(search: Search) -> Credential | None:
    """Answer with `HEX_API_KEY`, for the Hex API alone."""
    key = search.world.settings.api_key
    if not key or search.login is None or not is_api(search.target, search.world.settings):
        return None
    kind, secret = hexpm.authorization(key)
    return Credential(
        search.target, search.world.settings.username, secret, kind, source="HEX_API_KEY"
    )


def from_cache(search: Search) -> Credential | None:
    """Answer with the vault's token from memory, for a caller that `hot` has not served."""
    if search.login is None:
        return None
    token = cache(search.world, search.login).read(search.world.now())
    return None if token is None else search.credential(token, "vault")


def from_vault(search: Search) -> Credential | None:
    """Answer with the stored token, if it has life enough."""
    if search.login is None:
        return None
    token = search.arrival.token
    if token is None or not token.is_fresh(search.world.now(), search.world.settings.min_ttl):
        return None
    return search.credential(token, "vault")


def from_refresh(search: Search) -> Credential | None:
    """Answer with a refreshed token; with the old one while it lives, if the server is down."""
    if search.login is None or search.arrival.token is None:
        return None
    old = search.arrival.token
    try:
        token = refreshed(search.world, search.login, search.arrival)
    except Unreachable:
        if old.life_left(search.world.now()) <= 0:
            raise
        return search.credential(old, "vault")
    return None if token is None else search.credential(token, "refresh")


def from_store(search: Search) -> Credential | None:
    """Answer with what a tool stored for this protocol and host."""
    return stored.find(search.world, search.target, authtype=search.authtype)


def from_login(search: Search) -> Credential | None:
    """Answer with a login that the person makes now, or that another process has under way."""
    if search.login is None:
        return None
    token = log_in(
        search.world,
        search.login,
        search.arrival,
        Question(search.world.settings.scope, device_name()),
        may_ask=search.may_ask,
    )
    return search.credential(token, "login")


SOURCES: tuple[Callable[[Search], Credential | None], ...] = (
    from_environment,
    from_cache,
    from_vault,
    from_refresh,
    from_store,
    from_login,
)


def resolve(search: Search) -> Credential | None:
    """Return the first source's answer, or None if the target is no server hexauth logs in to.

    Raises `LoginRequired`, `Declined`, `Expired`, `Unreachable`, `VaultError` or `Interrupted`.
    """
    return next((found for source in SOURCES if (found := source(search))), None)


def found(search: Search) -> Credential:
    """Return the credential; raises what `resolve` does, and `LoginRequired` if there is none."""
    credential = resolve(search)
    if credential is None:
        known = ", ".join(known_targets(search.world.settings))
        raise LoginRequired(
            f"Nothing is stored for {search.target}, and hexauth has no login for it.",
            hint=f"Known are {known}, and whatever a tool has stored.",
        )
    return credential


def hex_search(world: World, *, may_ask: bool = False) -> Search:
    """Return a search for the token of `hexpm`'s API."""
    return Search(world, hex_target(world.settings), may_ask=may_ask)


def device_name() -> str:
    """Return the name that the approval page shows for this machine, as the Mix client does."""
    import socket

    return socket.gethostname() or "hexauth"
