"""What there is of a login: for the lines that people read, and as facts for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hexauth import hex as hexpm
from hexauth.errors import UsageError, VaultError
from hexauth.login.asking import under_way
from hexauth.login.record import Record
from hexauth.login.shared import Trace, traces
from hexauth.login.tokens import Tokens
from hexauth.model import Login, Token
from hexauth.screen.times import iso
from hexauth.servers.accounts import account_name, login_at
from hexauth.servers.directory import hex_server
from hexauth.vault.home import Home

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """A login as it is just now."""

    tokens: Tokens
    token: Token | None
    problem: VaultError | None
    """What keeps its vault from telling."""
    pending: Record | None
    """The login that some process has under way there."""
    now: float
    traces: tuple[Trace, ...] = ()
    """What hosts that share its vault have done last."""

    @classmethod
    def look(cls, tokens: Tokens) -> "Seen":
        """Look at a login; its vault is opened, and no server is asked."""
        token, problem, found = None, None, tuple[Trace, ...]()
        try:
            token = tokens.load()
            found = tuple(traces(tokens))
        except VaultError as error:
            problem = error
        pending = None if problem is not None and tokens.is_shared else under_way(tokens)
        return cls(tokens, token, problem, pending, tokens.home.now(), found)

    @property
    def target(self) -> str:
        """What a person calls the server: `hexpm`, or by its address."""
        server = self.tokens.login.server
        is_hexpm = server == self.tokens.home.settings.api_url
        return hexpm.REPOSITORY if is_hexpm else server

    @property
    def state(self) -> str:
        """`none`, `ok`, `refreshable`, `ended`, or `unknown` if the vault does not tell."""
        if self.problem is not None:
            return "unknown"
        if self.token is None:
            return "none"
        if self.token.life_left(self.now) > 0:
            return "ok"
        has_ended = self.session_end is not None and self.session_end <= self.now
        return "ended" if self.token.refresh is None or has_ended else "refreshable"

    @property
    def is_good(self) -> bool:
        """Whether somebody is logged in."""
        return self.state in ("ok", "refreshable")

    @property
    def session_end(self) -> int | None:
        """When the session ends, in unix seconds, if that is known."""
        return hexpm.session_end(self.token) if self.token else None

    @cached_property
    def account(self) -> str | None:
        """What the account is called, if anybody knows."""
        return account_name(self.tokens.home, self.tokens.login) or None

    @property
    def user(self) -> str | None:
        """Whose login it is, if there is one and anybody knows."""
        return (hexpm.user_name(self.token) or self.account) if self.token else None

    @property
    def scopes(self) -> list[str]:
        """What the login may be used for."""
        return self.token.scope.split() if self.token else []

    @property
    def vault(self) -> Facts:
        """Which vault it is in, or will be, where that is, and why."""
        choice = self.tokens.home.vaults.choice(self.tokens.entry)
        return {"name": choice.name, "where": self.tokens.vault.describe(), "why": choice.why}

    @property
    def facts(self) -> Facts:
        """All of it for programs, without secrets; times as ISO 8601 has them."""
        login, token, pending = self.tokens.login, self.token, self.pending
        return {
            "target": self.target,
            "server": login.server,
            "client_id": login.client_id,
            "state": self.state,
            "problem": str(self.problem) if self.problem else None,
            "kind": str(token.kind) if token else None,
            "account": self.account,
            "user": self.user,
            "scopes": self.scopes,
            "access_token_expires_at": iso(token.expires_at) if token else None,
            "session_expires_at": iso(self.session_end),
            "vault": self.vault,
            "in_memory_only": self.tokens.is_unsaved(),
            "hosts": {
                each.what: {
                    "host": each.host,
                    "role": each.role,
                    "at": iso(int(each.at)),
                    "outcome": each.outcome or None,
                }
                for each in self.traces
            },
            "login_under_way": None
            if pending is None
            else {
                "pid": pending.pid,
                "host": pending.host or None,
                "verification_uri": pending.verification_uri_complete,
                "user_code": pending.user_code,
                "expires_at": iso(max(0, pending.deadline)),
            },
        }


def usual_login(home: Home) -> Login | None:
    """Return the login of hexpm that is meant if nobody is named; None if there are several."""
    try:
        return login_at(home, hex_server(home.settings)) or home.settings.login
    except UsageError:
        return None


def known_logins(home: Home) -> list[Tokens]:
    """Return the login of hexpm, and after it the others that the index knows."""
    known = [login for login, _ in home.vaults.logins() if not login.exchange]
    usual = usual_login(home)
    if usual is None:
        usual = next(one for one in known if one.server == home.settings.api_url)
    return [Tokens(home, login) for login in dict.fromkeys([usual, *known])]
