"""What a request to the proxy means: where it goes, and whose credential it gets."""

import re
from dataclasses import dataclass
from hmac import compare_digest

from hexauth import hex as hexpm
from hexauth.world.settings import Settings

API, REPOSITORY = "api", "repo"
"""The two halves of a Hex server, as they are called behind the secret."""

SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
"""A part of a path (RFC 3986 section 3.3)."""

HIDDEN = re.compile(r"%(?:2[eEfF]|5[cC]|[01][0-9A-Fa-f]|7[fF])")
"""Dots, slashes, backslashes and control characters that are encoded, to be read differently."""

QUERY = re.compile(r"[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e%]*")


@dataclass(frozen=True)
class Route:
    """Where a request goes, and for whose sake."""

    url: str
    repository: str = ""
    """The repository whose credential it gets; empty for what everybody may have."""
    is_api: bool = False


@dataclass(frozen=True)
class Routes:
    """What lies behind the secret: an API and a repository, each at its own address."""

    secret: str
    api_url: str
    repo_url: str

    def find(self, target: str) -> Route | None:
        """Return what the target of a request means; None if it is nothing of ours.

        A target is a path, with a query if any (RFC 9112 section 3.2.1).
        """
        path, mark, query = target.partition("?")
        first, *segments = path.removeprefix("/").split("/")
        if not path.startswith("/") or not compare_digest(first.encode(), self.secret.encode()):
            return None
        if not segments or not all(map(_is_plain, segments)) or not QUERY.fullmatch(query):
            return None
        half, *rest = segments
        below = "/".join(rest) + mark + query
        if half == API:
            is_public = rest[:1] == ["oauth"]  # it is never sent a credential
            name = "" if is_public else hexpm.REPOSITORY
            return Route(f"{self.api_url}/{below}", name, is_api=True)
        if half != REPOSITORY:
            return None
        organization = rest[1] if rest[:1] == ["repos"] and len(rest) > 2 else ""
        name = f"{hexpm.REPOSITORY}:{organization}" if organization else ""
        return Route(f"{self.repo_url}/{below}", name)

    def here(self, location: str, base: str) -> str:
        """Return where the proxy has what an answer's `location` leads to, if it is ours.

        `base` is the proxy's own address, secret included. Another origin's is left as it is.
        """
        for half, url in ((API, self.api_url), (REPOSITORY, self.repo_url)):
            if location == url or location.startswith(f"{url}/"):
                return f"{base}/{half}{location.removeprefix(url)}"
        return location


def _is_plain(segment: str) -> bool:
    """Tell whether everybody reads this part of a path alike; the last one may be empty."""
    if segment in (".", "..") or HIDDEN.search(segment):
        return False
    return segment == "" or SEGMENT.fullmatch(segment) is not None


def routes(settings: Settings, secret: str) -> Routes:
    """Return the routes to the servers that `settings` name: a mirror comes before Hex itself."""
    mirror = settings.mirror_url or settings.trusted_mirror_url
    return Routes(secret, settings.api_url, mirror or hexpm.repo_url(settings.api_url))
