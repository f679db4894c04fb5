"""The packages that a server has, in memory: their releases and their owners; no HTTP."""

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

from hexauth import hex as hexpm

LISTED = ("decimal", "ecto", "gleam_stdlib", "jason", "phoenix")
"""What is there without a registry, in one version."""

VERSION = "1.0.0"


class Unprocessable(Exception):
    """A field, by its `name`, that is wrong in a request that is understood."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(what)
        self.name = name


@dataclass
class Release:
    """A version of a package; `retirement` says why nobody shall use it any longer.

    `checksum` and `docs` are of what was published here, SHA-256 in hex digits.
    """

    checksum: str = ""
    docs: str | None = None
    retirement: dict[str, str] | None = None


@dataclass
class Package:
    """A package: its releases by version, and the level of each owner by name."""

    owners: dict[str, str]
    releases: dict[str, Release] = field(default_factory=dict)

    def owner(self, user: str) -> str | None:
        """Return the name of the owner who is called so, or has that address."""
        return next((name for name in self.owners if user in (name, email(name))), None)


class Shelf:
    """All packages, by organization (None for everybody) and name; hold `lock` to change one."""

    def __init__(self, user: str, registry: Path | None) -> None:
        self.lock = threading.RLock()
        self._user = user
        self._registry = registry
        self._packages: dict[tuple[str | None, str], Package] = {}

    def find(self, organization: str | None, name: str) -> Package | None:
        """Return the package; one that nobody has published here is the user's."""
        key = organization, name
        with self.lock:
            if key not in self._packages and (versions := self._versions(organization, name)):
                releases = {version: Release() for version in versions}
                self._packages[key] = Package({self._user: "full"}, releases)
            return self._packages.get(key)

    def publish(
        self, organization: str | None, name: str, version: str, checksum: str, *, replace: bool
    ) -> bool:
        """Add a release; tell whether it is the first of this version.

        Raises `Unprocessable` for a second one, unless it is to `replace` the first.
        """
        with self.lock:
            known = self.find(organization, name)
            if known is None:
                known = self._packages[organization, name] = Package({self._user: "full"})
            is_new = version not in known.releases
            if not is_new and not replace:
                raise Unprocessable(
                    "inserted_at", "must include the --replace flag to update an existing release"
                )
            known.releases[version] = Release(checksum)
            return is_new

    def _versions(self, organization: str | None, name: str) -> list[str]:
        listed = [VERSION] if organization is None and name in LISTED else []
        if self._registry is None or not re.fullmatch(hexpm.NAME, name):
            return listed
        home = self._registry if organization is None else self._registry / "repos" / organization
        found = sorted(home.glob(f"tarballs/{name}-*.tar"))
        return [path.stem.removeprefix(f"{name}-") for path in found] or listed


def email(name: str) -> str:
    """Return the address of a user."""
    return f"{name}@example.com"
