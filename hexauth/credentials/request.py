"""One request for a credential: for what, by whom, and what has been seen on the way to it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from hexauth import hex as hexpm
from hexauth.credentials import stored
from hexauth.errors import UnknownTarget, VaultError, did_you_mean
from hexauth.login.asking import Question, device_name, why_not_ask
from hexauth.login.attempts import Arrival, arrive
from hexauth.login.tokens import Tokens
from hexauth.model import Credential, Login, Target, Token
from hexauth.servers.accounts import login_at
from hexauth.servers.directory import Server, scope_for, server_for
from hexauth.servers.repositories import Repository, Site, find_repository, site
from hexauth.servers.targets import parse_target, repository_target
from hexauth.vault.home import Home


@dataclass(frozen=True)
class Request:
    """One request for a credential, and what has been seen on the way to it.

    Every door makes one, and hands it to `sources`.
    """

    home: Home
    target: Target
    ask: bool | None = False
    """Whether a person may be asked to log in; None leaves it to the surroundings."""
    authtype: bool = True
    """Whether the caller understands other schemes than Basic, as git says with a capability."""
    repository: str = ""
    """The repository for whose sake a part of the API is asked for, if not `hexpm`."""
    given: str = field(default="", repr=False)
    """A key, or `Bearer TOKEN`, that the caller has brought along."""

    @classmethod
    def named(cls, home: Home, text: str | None, *, ask: bool | None, repository: str = "") -> Self:
        """Return the request for what a person or a program has named.

        That is `text`, a repository's name or an URL; `repository` itself if there is no text;
        and otherwise `hexpm`. Raises `UnknownTarget` and `UsageError`.
        """
        try:
            if text is None and repository:
                target = repository_target(find_repository(repository, home.settings))
            else:
                target = parse_target(hexpm.REPOSITORY if text is None else text, home.settings)
        except UnknownTarget as error:
            _suggest(home, text or repository, error)
            raise
        return cls(home, target, ask=ask, repository=repository)

    @cached_property
    def why_not(self) -> str:
        """Why nobody may be asked to log in; empty if somebody may."""
        return why_not_ask(self.home, self.ask)

    @property
    def may_ask(self) -> bool:
        """Whether a person may be asked to log in."""
        return not self.why_not

    @cached_property
    def site(self) -> Site:
        """What the target is."""
        return site(self.target, self.home.settings, self.repository)

    @cached_property
    def stored(self) -> Credential | None:
        """What a tool has stored that answers it."""
        return stored.find(self.home, self.target, authtype=self.authtype)

    @cached_property
    def server(self) -> Server | None:
        """The server whose login could work at the target, if any."""
        return server_for(self.home, self.target)

    @cached_property
    def tokens(self) -> Tokens | None:
        """The login whose token works at the target, if the request's user name allows it.

        A repository must be trusted, and be one of the server's own.
        """
        if self.server is None:
            return None
        repository = None if self.site.is_api else self.site.repository
        if repository and not (repository.is_hexpm and repository.trusted):
            return None
        login = login_at(self.home, self.server, self.target.username)
        return None if login is None else Tokens(self.home, login)

    @property
    def username(self) -> str:
        """The user name that is handed out with a token."""
        usual = self.server.username if self.server is not None else ""
        return self.target.username or usual or self.home.settings.username

    @property
    def question(self) -> Question:
        """What a person is asked, if somebody has to log in."""
        assert self.server is not None  # noqa: S101  (there is a login, and so its server)
        return Question(scope_for(self.server, self.home.settings), device_name())

    @cached_property
    def arrival(self) -> Arrival:
        """What the vault and the records said when this request first looked."""
        assert self.tokens is not None  # noqa: S101  (every caller has asked)
        return arrive(self.tokens)

    @property
    def family(self) -> Iterator[Repository]:
        """Yield the repository that the target is a part of, and its parent."""
        repository = self.site.repository
        if repository is not None:
            yield repository
            if repository.parent:
                yield find_repository(repository.parent, self.home.settings)

    def credential(self, token: Token, source: str, login: Login) -> Credential:
        """Return what is handed out for `token`, which is that of `login`."""
        return Credential(
            target=self.target,
            username=self.username,
            secret=token.access or "",
            kind=token.kind,
            expires_at=token.expires_at,
            scope=token.scope,
            source=source,
            login=login,
        )

    def as_it_is(self, text: str, source: str) -> Credential:
        """Return what is handed out for a key, or `Bearer TOKEN`, that is sent unchanged."""
        kind, secret = hexpm.authorization(text)
        return Credential(self.target, self.username, secret, kind, source=source)


def _suggest(home: Home, text: str, error: UnknownTarget) -> None:
    """Add to the hint of `error` which repository, of those that have keys, may have been meant."""
    with suppress(VaultError):
        entries = home.vaults.entries().values()
        names = {facts["repository"] for facts in entries if "repository" in facts}
        likely = did_you_mean(text, names) or did_you_mean(f"{hexpm.REPOSITORY}:{text}", names)
        error.hint = likely + error.hint.rpartition("? ")[2] if likely else error.hint
