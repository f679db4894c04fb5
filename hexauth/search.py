"""One request for a credential: for what, by whom, and what has been seen on the way to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from hexauth import hex as hexpm
from hexauth.accounts import login_at
from hexauth.attempt import Arrival, arrive
from hexauth.model import Credential, Login, Target, Token
from hexauth.repositories import Repository, Site, find_repository, site
from hexauth.servers import Server, server_for
from hexauth.targets import hex_target
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
    repository: str = ""
    """The repository for whose sake a part of the API is asked for, if not `hexpm`."""
    given: str = field(default="", repr=False)
    """A key, or `Bearer TOKEN`, that the caller has brought along."""

    @cached_property
    def site(self) -> Site:
        """What the target is."""
        return site(self.target, self.world.settings, self.repository)

    @cached_property
    def server(self) -> Server | None:
        """The server whose login could work at the target, if any."""
        return server_for(self.world, self.target)

    @cached_property
    def login(self) -> Login | None:
        """The login whose token works at the target, if the request's user name allows it.

        A repository must be trusted, and be one of the server's own.
        """
        repository = self.site.repository
        if self.server is None:
            return None
        is_repository = repository is not None and not self.site.is_api
        if repository and is_repository and not (repository.is_hexpm and repository.trusted):
            return None
        return login_at(self.world, self.server, self.target.username)

    @property
    def username(self) -> str:
        """The user name that is handed out with a token."""
        usual = self.server.username if self.server is not None else ""
        return self.target.username or usual or self.world.settings.username

    @cached_property
    def arrival(self) -> Arrival:
        """What the vault and the records said when this search first looked."""
        assert self.login is not None  # noqa: S101  (every caller has asked)
        return arrive(self.world, self.login)

    @cached_property
    def in_memory(self) -> Token | None:
        """The login's token, if it is in memory."""
        if self.login is None:
            return None
        return cache(self.world, self.login).read(self.world.now())

    @property
    def family(self) -> Iterator[Repository]:
        """Yield the repository that the target is a part of, and its parent."""
        repository = self.site.repository
        if repository is not None:
            yield repository
            if repository.parent:
                yield find_repository(repository.parent, self.world.settings)

    def credential(self, token: Token, source: str, login: Login | None = None) -> Credential:
        """Return what is handed out for `token`, which is that of `login`, or of the search's."""
        return Credential(
            target=self.target,
            username=self.username,
            secret=token.access or "",
            kind=token.kind,
            expires_at=token.expires_at,
            scope=token.scope,
            source=source,
            login=login or self.login,
        )

    def as_it_is(self, text: str, source: str) -> Credential:
        """Return what is handed out for a key, or `Bearer TOKEN`, that is sent unchanged."""
        kind, secret = hexpm.authorization(text)
        return Credential(self.target, self.username, secret, kind, source=source)


def scope_for(search: Search) -> str:
    """Return the scopes to ask for at the search's server."""
    settings = search.world.settings
    if settings.sources["scope"] or search.server is None:
        return settings.scope
    return search.server.scope


def hex_search(world: World, *, may_ask: bool = False) -> Search:
    """Return a search for the token of `hexpm`'s API."""
    return Search(world, hex_target(world.settings), may_ask=may_ask)


def device_name() -> str:
    """Return the name that the approval page shows for this machine, as the Mix client does."""
    import socket

    return socket.gethostname() or "hexauth"
