"""The servers that hexauth logs in to: which there are, and where each answers to OAuth."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from hexauth import hex as hexpm
from hexauth.errors import UsageError
from hexauth.model import Endpoints, Login, Target
from hexauth.servers.discovery import discover
from hexauth.servers.oauth import Client
from hexauth.servers.targets import hex_origins
from hexauth.vault.home import Home
from hexauth.vault.logins import name as entry_name
from hexauth.world.settings import Settings, require_https
from hexauth.world.urls import is_web_url, origin, split_url


@dataclass(frozen=True)
class Server:
    """A server as it is configured, or was found at login; empty for what is not known yet."""

    url: str
    client_id: str
    scope: str = ""
    username: str = ""
    issuer: str = ""
    endpoints: Endpoints | None = None


def hex_server(settings: Settings) -> Server:
    """Return the server of `hexpm`."""
    return Server(
        settings.api_url,
        settings.client_id,
        settings.scope,
        settings.username,
        endpoints=hexpm.endpoints(settings.api_url),
    )


def server_for(home: Home, target: Target) -> Server | None:
    """Return the server whose login works at `target`, or None.

    In this order: those that `known_server` knows; git's configuration.
    """
    if not target.is_web:
        return None
    known = known_server(home, target)
    here = origin(str(target.protocol), str(target.host))
    return known or next(iter(_of_git(home, here)), None)


def known_server(home: Home, target: Target) -> Server | None:
    """Return the server whose login works at `target`, if hexauth itself knows one.

    Scheme, host and port must be the server's own; a target without one of them gets nothing
    (git's CVE-2020-11008). In this order: the server of `hexpm`; config.toml; where somebody has
    logged in.
    """
    if not target.is_web:
        return None
    here = origin(str(target.protocol), str(target.host))
    if here in hex_origins(home.settings):
        return hex_server(home.settings)
    path = f"/{target.path or ''}/"
    for known in (_configured(home), _remembered(home)):
        near = [each for each in known if origin(*split_url(each.url)) == here]
        if near:  # the one whose path is the longest that fits; git tells no path
            return max(near, key=lambda each: _fit(each, path))
    return None


def _fit(server: Server, path: str) -> int:
    own = f"{urlsplit(server.url).path.rstrip('/')}/"
    return len(own) if path.startswith(own) else 0


def _configured(home: Home) -> list[Server]:
    return [_from_table(home, url, table) for url, table in home.settings.servers.items()]


def _from_table(home: Home, url: str, table: Mapping[str, str]) -> Server:
    is_hex = hexpm.is_api(url)
    said = Endpoints.named(table)
    if bool(said.device_authorization) != bool(said.token):
        raise UsageError(
            f"config.toml gives one of the endpoints of {url}, and not the other.",
            hint="Give device_authorization_endpoint and token_endpoint, or neither.",
        )
    endpoints = said if said.token else None
    if not endpoints and is_hex and "issuer" not in table:
        endpoints = hexpm.endpoints(url)
    for each in (url, table.get("issuer", ""), *_urls(endpoints)):
        if each:
            require_https(each, home.settings)
    return Server(
        url,
        table.get("client_id", hexpm.CLIENT_ID if is_hex else ""),
        table.get("scope", hexpm.SCOPE if is_hex else ""),
        table.get("username", ""),
        table.get("issuer", ""),
        endpoints,
    )


def _remembered(home: Home) -> list[Server]:
    """Return the servers that somebody has logged in to, as the index knows them."""
    found = {}
    for login, facts in home.vaults.logins():
        if not login.exchange:
            url, scope = login.server, facts.get("scope", "")
            endpoints = Endpoints.named(facts) if "token_endpoint" in facts else None
            if hexpm.is_api(url):
                endpoints, scope = endpoints or hexpm.endpoints(url), scope or hexpm.SCOPE
            found[url, login.client_id] = Server(
                url, login.client_id, scope, issuer=facts.get("issuer", ""), endpoints=endpoints
            )
    return list(found.values())


def _of_git(home: Home, here: str) -> list[Server]:
    """Return the servers at the origin `here` that git's other helpers were told of."""
    found = []
    for url, said in home.git_oauth.items():
        if not is_web_url(url) or origin(*split_url(url)) != here:
            continue
        if said.get("oauthclientid"):
            device = said.get("oauthdeviceauthurl") or said.get("oauthdeviceendpoint")
            token = said.get("oauthtokenurl") or said.get("oauthtokenendpoint")
            endpoints = None
            if device and token:
                endpoints = Endpoints(*(_of_server(url, each) for each in (device, token)))
            for each in (url, *_urls(endpoints)):
                require_https(each, home.settings)
            scope = said.get("oauthscopes", "")
            found.append(Server(url, said["oauthclientid"], scope, endpoints=endpoints))
    return found


def _of_server(url: str, endpoint: str) -> str:
    """Return the address of an endpoint, which may be told without that of its server, `url`."""
    try:
        found = urljoin(f"{url}/", endpoint)
    except ValueError:  # brackets with no address in them
        found = ""
    if not is_web_url(found):
        raise UsageError(
            f"Git was told of an endpoint of {url} that is no address.",
            hint="`git config --get-regexp oauth` shows where; correct it.",
        )
    return found


def _urls(endpoints: Endpoints | None) -> list[str]:
    return [] if endpoints is None else [url for url in vars(endpoints).values() if url]


def given_server(home: Home, target: Target, client_id: str | None) -> Server:
    """Return the server at `target`, which a person names for the first time or again.

    `client_id` is the OAuth client to log in as, if said. Raises `UsageError` without one, unless
    it is a Hex server or known already.
    """
    known = server_for(home, target)
    if known is not None and client_id in (None, known.client_id):
        return known
    url = str(target)
    if hexpm.is_api(url):
        return Server(
            url, client_id or hexpm.CLIENT_ID, hexpm.SCOPE, endpoints=hexpm.endpoints(url)
        )
    if not client_id:
        raise UsageError(
            f"hexauth cannot log in to {target}: it does not know as which OAuth client.",
            hint="Add --client-id ID, which the server's owner has registered for hexauth.",
        )
    return Server(url, client_id, issuer=known.issuer if known else "")


def scope_for(server: Server, settings: Settings) -> str:
    """Return the scopes to ask for at `server`."""
    return settings.scope if settings.sources["scope"] else server.scope


def endpoints_for(home: Home, login: Login) -> Endpoints:
    """Return where the server of `login` answers; it is asked itself if nobody knows.

    Raises `UsageError` if it does not say, and `Unreachable`.
    """
    if login.exchange or login.server == home.settings.api_url:
        return hexpm.endpoints(login.server)
    known = [*_configured(home), *_remembered(home)]
    known += _of_git(home, origin(*split_url(login.server)))
    mine = [each for each in known if each.url == login.server]
    for each in mine:
        if each.endpoints is not None and each.client_id in ("", login.client_id):
            return each.endpoints
    if hexpm.is_api(login.server):
        return hexpm.endpoints(login.server)
    issuer = next((each.issuer for each in mine if each.issuer), login.server)
    found = discover(home.http, issuer, home.settings)
    if found is None:
        raise UsageError(
            f"{login.server} does not publish where it can be logged in to.",
            hint="Give device_authorization_endpoint and token_endpoint in config.toml, in the "
            f'table servers."{login.server}".',
        )
    return found


def client_for(home: Home, login: Login) -> Client:
    """Return the OAuth client that `login` is of; raises what `endpoints_for` does."""
    here = endpoints_for(home, login)
    return Client(home.http, here, login.client_id, home.now, home.monotonic)


def remember(home: Home, login: Login, user: str | None, scope: str) -> None:
    """Note beside `login` in the index what the next run needs to know of its server and user."""
    facts = {"user": user} if user else {}
    if login.server != home.settings.api_url:
        where = vars(endpoints_for(home, login))
        facts |= {f"{name}_endpoint": url for name, url in where.items()}
        facts |= {"scope": scope} if scope else {}
    home.vaults.note(entry_name(login), **facts)
