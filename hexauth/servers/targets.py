"""What a person or a tool may name, and which of it is Hex."""

from urllib.parse import unquote, urlsplit

from hexauth import hex as hexpm
from hexauth.errors import UnknownTarget, UsageError, did_you_mean
from hexauth.model import Target
from hexauth.servers.repositories import Repository, find_repository, known_names
from hexauth.world.settings import Settings, require_https
from hexauth.world.urls import is_web_url, origin, split_url


def repository_target(repository: Repository) -> Target:
    """Return the target that the address of `repository` is.

    Its path is empty, rather than not named, where an API has the same origin.
    """
    parts = urlsplit(repository.url)
    return Target(parts.scheme, parts.netloc, parts.path.strip("/"))


def hex_target(settings: Settings) -> Target:
    """Return the target that `hexpm` stands for: its API."""
    scheme, host = split_url(settings.api_url)
    return Target(scheme, host)


def parse_target(text: str, settings: Settings) -> Target:
    """Return the target that a person named: an URL, or a repository's name.

    Raises `UnknownTarget` for anything else, and `UsageError` for an URL that is not encrypted or
    holds a password.
    """
    if text == hexpm.REPOSITORY:
        return hex_target(settings)
    shown = text.rpartition("@")[2]  # what comes before may hold a password
    if "://" not in text and shown == text:
        return repository_target(find_repository(text, settings))
    if not is_web_url(text):
        raise UnknownTarget(
            f"{shown!r} is no http(s) URL.",
            hint=f"{did_you_mean(shown, known_targets(settings))}Known are "
            f"{', '.join(known_targets(settings))}, and URLs such as https://HOST/.",
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
    return (*known_names(settings), *hex_origins(settings))


def hex_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins that the login of `hexpm` is for: its API's, then its repositories'."""
    urls = (settings.api_url, hexpm.repo_url(settings.api_url), settings.trusted_mirror_url)
    return tuple(dict.fromkeys(origin(*split_url(url)) for url in urls if url))
