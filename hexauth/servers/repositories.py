"""The repositories: where each is, whom it trusts, and what of it a target names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hexauth import hex as hexpm
from hexauth.errors import UnknownTarget, UsageError, did_you_mean
from hexauth.model import Target
from hexauth.world.settings import Settings, require_https
from hexauth.world.urls import origin, split_url


@dataclass(frozen=True)
class Repository:
    """One repository; `hexpm:ORG` has `hexpm` as its parent."""

    name: str
    url: str
    api_url: str
    trusted: bool
    """Whether it may see more than a `repo_key`, which is meant for it alone."""
    oauth_exchange: bool
    """Whether its `auth_key` is exchanged for a token that ends by itself."""
    oauth_exchange_url: str
    """The API at which that is done."""
    oauth_exchange_api: bool = False
    """Whether its `api_key` is exchanged too; a write then wants a one-time password."""

    @property
    def parent(self) -> str:
        """The name of the repository that it is a part of, or an empty text."""
        return self.name.rpartition(":")[0]

    @property
    def is_hexpm(self) -> bool:
        """Tell whether it belongs to the server of `hexpm`, so that its login is for it too."""
        return self.name.partition(":")[0] == hexpm.REPOSITORY


@dataclass(frozen=True)
class Site:
    """What a target is: a part of an API, of a repository, or neither."""

    repository: Repository | None = None
    is_api: bool = False


def find_repository(name: str, settings: Settings) -> Repository:
    """Return the repository called `name`.

    Raises `UnknownTarget` if there is none, and `UsageError` if config.toml does not say where
    it is.
    """
    table = settings.repositories.get(name, {})
    parent, _, organization = name.rpartition(":")
    is_hexpm = (parent or name) == hexpm.REPOSITORY
    if not table and not (is_hexpm and (not parent or re.fullmatch(hexpm.NAME, organization))):
        raise UnknownTarget(
            f"There is no repository called {name!r}.",
            hint=f"{did_you_mean(name, known_names(settings))}Known are "
            f"{', '.join(known_names(settings))}, and URLs such as https://HOST/.",
        )
    if parent:
        above = find_repository(parent, settings)
        url, api_url = f"{above.url}/repos/{organization}", above.api_url
        trusted, exchange = above.trusted, above.oauth_exchange
        exchange_url = above.oauth_exchange_url
    elif is_hexpm:
        url = settings.mirror_url or settings.trusted_mirror_url
        url, api_url = url or hexpm.repo_url(settings.api_url), settings.api_url
        trusted, exchange, exchange_url = not settings.mirror_url, True, api_url
    else:
        if not table.get("url"):
            raise UsageError(
                f"config.toml does not say where the repository {name} is.",
                hint=f"Add its url to the table repositories.{name}.",
            )
        url, api_url = table["url"], settings.api_url
        trusted, exchange, exchange_url = True, False, api_url
    found = Repository(
        name=name,
        url=table.get("url", url),
        api_url=table.get("api_url", api_url),
        trusted=table.get("trusted", trusted),
        oauth_exchange=table.get("oauth_exchange", exchange),
        oauth_exchange_api=table.get("oauth_exchange_api", False),
        oauth_exchange_url=table.get("oauth_exchange_url", table.get("api_url", exchange_url)),
    )
    for each in (found.url, found.api_url, found.oauth_exchange_url):
        require_https(each, settings)
    return found


def configured_origins(settings: Settings) -> tuple[str, ...]:
    """Return every origin that the settings name, of a server or a repository."""
    urls = [settings.api_url, hexpm.repo_url(settings.api_url), *settings.servers]
    urls += [settings.mirror_url, settings.trusted_mirror_url]
    for table in settings.repositories.values():
        urls += [table.get("url", ""), table.get("api_url", "")]
    return tuple(dict.fromkeys(origin(*split_url(url)) for url in urls if url))


def known_names(settings: Settings) -> tuple[str, ...]:
    """Return the repositories' names, for messages."""
    own = (name for name in settings.repositories if name != hexpm.REPOSITORY)
    return (hexpm.REPOSITORY, f"{hexpm.REPOSITORY}:ORGANIZATION", *own)


def site(target: Target, settings: Settings, name: str = "") -> Site:
    """Return what `target` is; `name` is the repository for whose sake it is asked for, if said.

    Scheme, host and port must be the server's own, exactly.
    """
    if not target.is_web:
        return Site()
    here = origin(str(target.protocol), str(target.host))
    path = f"/{target.path or ''}/"
    for repository in _configured(settings):
        if _is_below(here, path, repository.url):
            return Site(repository)
        if "api_url" in settings.repositories[repository.name] and _is_below(
            here, path, repository.api_url
        ):
            return Site(repository, is_api=True)
    above = find_repository(hexpm.REPOSITORY, settings)
    api = _is_below(here, path, above.api_url) or target.path is None
    if api and here == origin(*split_url(above.api_url)):
        return Site(find_repository(name or above.name, settings), is_api=True)
    found = _of_hexpm(here, path, settings)
    if found is None and here == origin(*split_url(above.api_url)):
        return Site(find_repository(name or above.name, settings), is_api=True)
    return Site(found)


def _of_hexpm(here: str, path: str, settings: Settings) -> Repository | None:
    """Return the repository of `hexpm`'s server that has `path` at the origin `here`."""
    above = find_repository(hexpm.REPOSITORY, settings)
    for url in dict.fromkeys((above.url, hexpm.repo_url(settings.api_url))):
        if _is_below(here, path, url):
            part = re.match(rf"/?repos/({hexpm.NAME})/", path[len(_path(url)) :])
            found = find_repository(f"{above.name}:{part[1]}" if part else above.name, settings)
            # Hex's own repository may be trusted, whatever stands in for it.
            return found if url == above.url else replace(found, trusted=True)
    return None


def _configured(settings: Settings) -> Iterator[Repository]:
    """Yield the repositories whose places stand in config.toml, the longest path first."""
    names = [name for name, table in settings.repositories.items() if "url" in table]
    found = [find_repository(name, settings) for name in names]
    yield from sorted(found, key=lambda each: -len(each.url))


def _path(url: str) -> str:
    parts = url.split("/", 3)
    return f"/{parts[3]}/" if len(parts) > 3 else "/"


def _is_below(here: str, path: str, url: str) -> bool:
    return here == origin(*split_url(url)) and path.startswith(_path(url))
