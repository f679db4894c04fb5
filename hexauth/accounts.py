"""The accounts that hexauth has at a server: which there are, and which one is meant."""

from collections.abc import Mapping

from hexauth import hex as hexpm
from hexauth import oauth
from hexauth.cache import Spread
from hexauth.errors import HexauthError, LoginRequired, UsageError
from hexauth.model import Login, Target, Token
from hexauth.servers import Server, endpoints_for, server_for
from hexauth.targets import hex_origins
from hexauth.urls import origin, split_url
from hexauth.vault.logins import name as entry_name
from hexauth.world import World


def accounts(world: World, server: Server) -> Mapping[str, Login]:
    """Return the accounts at `server` by name; one whose user is not known has an empty name."""
    found = {}
    for facts in world.index.entries().values():
        same = (facts.get("server"), facts.get("client_id")) == (server.url, server.client_id)
        if same and "exchange" not in facts:
            account = facts.get("account", "")
            login = Login(server.url, server.client_id, account)
            found[account or facts.get("user", "")] = login
    return found


def login_at(world: World, server: Server, username: str | None = None) -> Login | None:
    """Return the login that is used at `server`; None if `username` names no account there.

    `username` is what a tool asked for; that of tokens, such as `oauth2`, stands for any account.
    An account that was named, by flag or environment, comes first; then the one that config.toml
    names; then the only one, or the first. Raises `UsageError` if several are left.
    """
    known = accounts(world, server)
    settings = world.settings
    usual = (None, server.username or settings.username)
    first = Login(server.url, server.client_id)
    if named := explicit_account(world):
        if username not in (*usual, named):
            return None
        return known.get(named) or Login(server.url, server.client_id, named)
    if username not in usual:
        return known.get(username or "")
    for default in (settings.accounts.get(server.url), settings.account):
        if default and default in known:
            return known[default]
    if not known or first in known.values():
        return first
    if len(known) > 1:
        raise UsageError(
            f"There are several accounts at {server.url}: {', '.join(known)}.",
            hint="Name one with --account, or choose one for good: hexauth switch NAME",
        )
    return next(iter(known.values()))


def explicit_account(world: World) -> str:
    """Return the account that a flag or the environment names, or an empty text."""
    is_said = world.settings.sources["account"].startswith(("-", "$"))
    return world.settings.account if is_said else ""


def login_for(world: World, target: Target) -> Login | None:
    """Return the login whose token works at `target`, or None."""
    server = server_for(world, target)
    return None if server is None else login_at(world, server, target.username)


def account_name(world: World, login: Login) -> str:
    """Return what the account of `login` is called; empty if nobody knows."""
    facts = world.index.entries().get(entry_name(login), {})
    return login.account or facts.get("user", "")


def user_of(world: World, login: Login, token: Token) -> str | None:
    """Return the name of the user whom a new `token` belongs to, if the server tells."""
    name = hexpm.user_name(token)
    if name or token.access is None:
        return name
    try:
        endpoints = endpoints_for(world, login)
        url = endpoints.userinfo
        if not url and endpoints.session_revocation:
            url = f"{login.server}/users/me"
        said = oauth.current_user(world.http, url, f"Bearer {token.access}") if url else {}
    except HexauthError:  # a login without a name is a login
        return None
    found = next((said[key] for key in USER_KEYS if isinstance(said.get(key), str)), None)
    return found if found and found.isprintable() else None


USER_KEYS = ("username", "preferred_username", "nickname", "sub")
"""What a server may call its users' names: hexpm; OpenID Connect Core section 5.1."""


def spread(world: World, login: Login) -> Spread:
    """Return what the answers of `login` are for, which are kept in memory."""
    if login.exchange:
        return Spread(login.name)
    server = Server(login.server, login.client_id)
    account = world.settings.account if world.settings.sources["account"][:1] == "-" else ""
    if not account:
        try:
            usual = login_at(world, server)
        except UsageError:
            usual = None
        account = "" if login == usual else account_name(world, login)
        if login != usual and not account:
            return Spread(None)
    if login.server != world.settings.api_url:
        here = origin(*split_url(login.server))
        own = world.settings.servers.get(login.server, {}).get("username")
        return Spread(here, account, (here,), own or world.settings.username)
    return Spread("", account, _plain_origins(world), world.settings.username)


def _plain_origins(world: World) -> tuple[str, ...] | None:
    """Return the origins of `hexpm` where the login is for all, as no key is and no mirror.

    None if the API has a key of its own.
    """
    settings = world.settings
    keyed = [
        facts for facts in world.index.entries().values() if facts.get("at") == settings.api_url
    ]
    if any(
        each.get("repository") == hexpm.REPOSITORY and "api_key" in each.get("kinds", "")
        for each in keyed
    ):
        return None
    api, *others = hex_origins(settings)
    others = [] if keyed or settings.mirror_url else others
    is_shared = api == origin(*split_url(hexpm.repo_url(settings.api_url)))
    plain = [*([] if is_shared and (keyed or settings.mirror_url) else [api]), *others]
    taken = {origin(*split_url(t["url"])) for t in settings.repositories.values() if "url" in t}
    return tuple(each for each in plain if each not in taken)


def require_login(world: World, target: Target, shown: str) -> Login:
    """Return the login for `target`, which a person wrote as `shown`. Raises `UsageError`."""
    server = server_for(world, target)
    login = None if server is None else login_at(world, server, target.username)
    if login is None:
        raise UsageError(
            f"hexauth has no login for {shown}.", hint="`hexauth status` lists what it has."
        )
    return login


def no_login(world: World, login: Login) -> LoginRequired:
    """Return the error that nobody is logged in."""
    whose = f" as {login.account}" if login.account else ""
    words = ["hexauth login"]
    words += [login.server] if login.server != world.settings.api_url else []
    words += [f"--account {login.account}"] if login.account else []
    return LoginRequired(
        f"There is no login{whose} at {login.server}.",
        hint=f"Run `{' '.join(words)}` in a terminal.",
    )
