"""Where an OAuth server answers: found in the metadata that it publishes."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hexauth.errors import Unreachable, UsageError
from hexauth.model import Endpoints
from hexauth.servers import oauth
from hexauth.world.settings import Settings, require_https
from hexauth.world.urls import is_web_url, origin, split_url

if TYPE_CHECKING:
    import requests

NAMES = (
    "device_authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
)
"""What metadata are read for; without the first two nobody can log in."""


def addresses(issuer: str) -> tuple[str, ...]:
    """Return where the metadata of `issuer` may be.

    RFC 8414 section 3 puts the path behind the well-known part; OpenID Connect Discovery section
    4 puts it before.
    """
    parts = urlsplit(issuer)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{base}/.well-known/oauth-authorization-server{path}",
        f"{base}{path}/.well-known/openid-configuration",
    )


def discover(session: "requests.Session", issuer: str, settings: Settings) -> Endpoints | None:
    """Return the endpoints that `issuer` publishes; None if it publishes no metadata.

    Raises `UsageError` if they are another issuer's, lack the device grant, or lead elsewhere, and
    `Unreachable`.
    """
    for address in addresses(issuer):
        found = oauth.metadata(session, address)
        if found is not None:
            _check_issuer(found, issuer)
            return _endpoints(found, issuer, settings)
    return None


def _check_issuer(found: dict[str, Any], issuer: str) -> None:
    """Raise `UsageError` unless the metadata are for `issuer` (RFC 8414 section 3.3)."""
    said = found.get("issuer")
    if not isinstance(said, str) or said.removesuffix("/") != issuer.removesuffix("/"):
        raise UsageError(
            f"The metadata of {issuer} are those of another issuer.",
            hint="Give its address exactly as the server spells it, or `issuer` in config.toml.",
        )


def _endpoints(found: dict[str, Any], issuer: str, settings: Settings) -> Endpoints:
    if not all(found.get(name) for name in NAMES[:2]):
        raise UsageError(
            f"{issuer} publishes no device grant, which is how hexauth logs in.",
            hint="If it has one all the same, give its endpoints in config.toml.",
        )
    urls = {name: found[name] for name in NAMES if found.get(name)}
    for name, url in urls.items():
        if not (isinstance(url, str) and is_web_url(url)):
            raise Unreachable(
                f"{issuer} answered nonsense: {name} is no address.",
                hint="Whoever runs the server has to mend that, or give its endpoints in "
                "config.toml.",
            )
        require_https(url, settings)
        if origin(*split_url(url)) != origin(*split_url(issuer)):
            # Another server's token would be kept, and handed out, as this one's: RFC 9700
            # section 4.4 calls that a mix-up.
            raise UsageError(
                f"{issuer} sends its callers to {origin(*split_url(url))}: {name} is there.",
                hint="If that is meant so, give all of its endpoints in config.toml.",
            )
    return Endpoints.named(urls)
