"""What a person or a tool may name, and which of it is Hex."""

import re
from urllib.parse import unquote, urlsplit

from hexauth import hex as hexpm
from hexauth.config import Settings, require_https
from hexauth.errors import UnknownTarget, UsageError
from hexauth.model import Login, Target
from hexauth.urls import is_web_url, origin, split_url


def hex_target(settings: Settings, organization: str = "") -> Target:
    """Return the target that `hexpm`, or `hexpm:ORG`, stands for."""
    if organization:
        scheme, host = split_url(hexpm.repo_url(settings.api_url))
        return Target(scheme, host, f"repos/{organization}")
    scheme, host = split_url(settings.api_url)
    return Target(scheme, host)


def parse_target(text: str, settings: Settings) -> Target:
    """Return the target that a person named: an URL, `hexpm` or `hexpm:ORG`.

    Raises `UnknownTarget` for anything else, and `UsageError` for an URL that is not encrypted or
    holds a password.
    """
    name, colon, organization = text.partition(":")
    if name == hexpm.REPOSITORY and (not colon or re.fullmatch(r"[a-z0-9_]+", organization)):
        return hex_target(settings, organization)
    shown = text.rpartition("@")[2]  # what comes before may hold a password
    if "://" not in text:
        raise UnknownTarget(
            f"There is no repository called {shown!r}.",
            hint=f"Known are {', '.join(known_targets(settings))}, and URLs such as https://HOST/.",
        )
    if not is_web_url(text):
        raise UnknownTarget(
            f"{shown!r} is no http(s) URL.",
            hint=f"Known are {', '.join(known_targets(settings))}, and URLs such as https://HOST/.",
        )
    parts = urlsplit(text)
    if parts.password is not None:
        raise UsageError(
            "The URL holds a password, which other users of this machine can see.",
            hint="Leave it out of the URL.",
        )
    user, _, host = parts.netloc.rpartition("@")
    require_https(f"{parts.scheme}://{host}", settings)
    path = unquote(parts.path.strip("/"), errors="surrogateescape")
    return Target(parts.scheme, host, path or None, unquote(user, errors="surrogateescape") or None)


def known_targets(settings: Settings) -> tuple[str, ...]:
    """Return what can be named without an URL, for messages."""
    return (hexpm.REPOSITORY, f"{hexpm.REPOSITORY}:ORGANIZATION", *hex_origins(settings))


def hex_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins that the login of `hexpm` is for: its API's, then its repository's."""
    urls = (settings.api_url, hexpm.repo_url(settings.api_url))
    return tuple(dict.fromkeys(origin(*split_url(url)) for url in urls))


def login_for(target: Target, settings: Settings) -> Login | None:
    """Return the login whose token works at `target`, or None.

    Scheme, host and port must be the server's own; a target without one of them gets nothing
    (git's CVE-2020-11008).
    """
    if not target.protocol or not target.host:
        return None
    known = hex_origins(settings)
    return settings.login if origin(target.protocol, target.host) in known else None


def is_api(target: Target, settings: Settings) -> bool:
    """Tell whether `target` is the Hex API's own origin, for which `HEX_API_KEY` is meant."""
    return bool(target.protocol and target.host) and (
        origin(str(target.protocol), str(target.host)) == hex_origins(settings)[0]
    )
