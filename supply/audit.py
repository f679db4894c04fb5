"""Compares installed packages with a list of known holes, without any network.

The list is a folder or a zip file of advisories in the Open Source Vulnerability format, such as
the `PyPI/all.zip` that osv.dev publishes.
"""

import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Advisory = Mapping[str, Any]


def advisories(source: Path) -> Iterator[Advisory]:
    """Yield the advisories in a folder or a zip file. Raises OSError, or ValueError for no JSON."""
    if source.is_dir():
        for path in sorted(source.rglob("*.json")):
            yield json.loads(path.read_bytes())
        return
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def installed() -> dict[str, str]:
    """Return the version of each package that this interpreter finds."""
    return {canonicalize_name(each.metadata["Name"]): each.version for each in distributions()}


def holes(found: Iterable[Advisory], versions: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each advisory that a package of these versions is affected by."""
    for advisory in found:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            version = versions.get(name)
            if package.get("ecosystem") == "PyPI" and version and _affects(affected, version):
                yield f"{name} {version}: {advisory['id']} {advisory.get('summary', '')}".rstrip()


def _affects(affected: Mapping[str, Any], version: str) -> bool:
    """Tell whether `version` is listed or in a range (OSV schema, `affected[]`)."""
    if version in affected.get("versions", ()):
        return True
    ranges = (each for each in affected.get("ranges", ()) if each["type"] == "ECOSYSTEM")
    return any(_is_within(each["events"], Version(version)) for each in ranges)


def _is_within(events: Iterable[Mapping[str, str]], version: Version) -> bool:
    """Follow the events in the order of their versions; the last one before `version` counts."""
    order = ("introduced", "fixed", "last_affected")
    steps = sorted(
        (
            (_version(text), order.index(kind), kind)
            for each in events
            for kind, text in each.items()
            if kind in order
        ),
    )
    is_affected = False
    for at, _, kind in steps:
        if kind == "introduced" and at <= version:
            is_affected = True
        elif (kind == "fixed" and at <= version) or (kind == "last_affected" and at < version):
            is_affected = False
    return is_affected


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:  # an old package's own way; nobody installs it any more
        return Version("0")


def main(words: list[str]) -> int:
    """Print the holes in what is installed; return how many there are, or 2 without a list."""
    if len(words) != 1 or not Path(words[0]).exists():
        print("Name a folder or a zip file of advisories (osv.dev, PyPI).", file=sys.stderr)  # noqa: T201
        return 2
    versions = installed()
    lines = sorted(set(holes(advisories(Path(words[0])), versions)))
    for line in lines or [f"No known holes in {len(versions)} packages."]:
        print(line)  # noqa: T201
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
