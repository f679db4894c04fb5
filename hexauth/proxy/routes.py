"""What a request to the proxy means: where it goes, and whose credential it gets."""

import re
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import unquote, urljoin, urlsplit

from hexauth import hex as hexpm
from hexauth.servers.repositories import find_repository
from hexauth.world.settings import Settings

API, REPOSITORY = "api", "repo"
"""The two halves of a Hex server, as they are called behind the secret."""

SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
"""A part of a path (RFC 3986 section 3.3)."""

HIDDEN = re.compile(r"%(?:2[eEfF]|5[cC]|25|[01][0-9A-Fa-f]|7[fF])")
"""Dots, slashes, backslashes and control characters that are encoded, once or more than once."""

QUERY = re.compile(r"(?:[\x21\x24\x26-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True)
class Route:
    """Where a request goes, and for whose sake."""

    url: str
    repository: str = ""
    """The repository whose credential it gets; empty for what everybody may have."""
    is_api: bool = False

    @property
    def owner(self) -> tuple[str, bool]:
        """Whose credential it gets: a repository, and its API's or its own."""
        return self.repository, self.is_api


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
        if not segments or not _are_plain(segments) or not QUERY.fullmatch(query):
            return None
        below = "/".join(segments[1:]) + mark + query
        if self.secret in unquote(below):
            return None
        half, *rest = map(unquote, segments)  # as the server will read them
        if half == API:
            is_public = rest[:1] == ["oauth"]  # it is never sent a credential
            name = "" if is_public else hexpm.REPOSITORY
            return Route(f"{self.api_url}/{below}", name, is_api=True)
        if half != REPOSITORY:
            return None
        is_organization = len(rest) > 2 and rest[0] == "repos" and re.fullmatch(hexpm.NAME, rest[1])
        name = f"{hexpm.REPOSITORY}:{rest[1]}" if is_organization else ""
        return Route(f"{self.repo_url}/{below}", name)

    def here(self, location: str, url: str, base: str) -> str:
        """Return where the proxy has what the `location` in an answer from `url` leads to.

        `base` is the proxy's own address, secret included. What is not ours is left as it is, but
        for a relative one, which would lead elsewhere from here.
        """
        try:
            place = urljoin(url, location)
            is_whole = bool(urlsplit(location).scheme)
        except ValueError:
            return location
        for half, root in ((API, self.api_url), (REPOSITORY, self.repo_url)):
            if re.match(rf"{re.escape(root)}(?:[/?#]|$)", place):
                return f"{base}/{half}{place.removeprefix(root)}"
        return location if is_whole else place


def _are_plain(segments: list[str]) -> bool:
    """Tell whether everybody reads these parts of a path alike; the last one may be empty."""
    *some, last = segments
    return all(map(_is_plain, some)) and (last == "" or _is_plain(last))


def _is_plain(segment: str) -> bool:
    is_odd = segment in (".", "..") or HIDDEN.search(segment)
    return not is_odd and SEGMENT.fullmatch(segment) is not None


def routes(settings: Settings, secret: str) -> Routes:
    """Return the routes to the servers that `settings` name."""
    return Routes(
        secret, settings.api_url, find_repository(hexpm.REPOSITORY, settings).url.rstrip("/")
    )
