"""A folder as a Hex repository: below `/repo` for everybody, `/repo/repos/ORG` for its members.

The folder is laid out as `mix hex.registry build` does: `names`, `versions`, `packages/NAME`,
`tarballs/FILE`, `public_key`. Each organization has such a folder of its own, `repos/ORG`.
"""

from pathlib import Path

from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import NotFound

from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.journal import Journal
from hexauth.sandbox.resources import Denied, require_member

PREFIX = "/repo"
PRIVATE = "repos"
"""The folder of the organizations, of which nothing is for everybody."""


def kind(path: str) -> str | None:
    """Return what the journal calls a request for `path`; None for one that is not for files."""
    if path.startswith(f"{PREFIX}/{PRIVATE}/"):
        return "private"
    return "public" if path.startswith(f"{PREFIX}/") else None


def blueprint(root: Path, hexpm: Hexpm, journal: Journal) -> Blueprint:
    """Return the addresses of the files in `root`; the journal counts who gets private ones."""
    registry = Blueprint("registry", __name__, url_prefix=PREFIX)

    @registry.get("/<path:name>")
    def public(name: str) -> Response:
        return send(root, name)

    @registry.get(f"/{PRIVATE}/<organization>/<path:name>")
    def private(organization: str, name: str) -> Response:
        try:
            require_member(hexpm, organization)
        except Denied:
            journal.count("refused")
            raise
        response = send(root, name, organization)
        journal.count("granted")
        return response

    return registry


def send(root: Path, name: str, organization: str | None = None) -> Response:
    """Return the answer with a file, or with the part of it that is asked for, read as it is sent.

    Raises werkzeug's `NotFound` for what `find` does not find, and for a name with a slash that is
    written as %2F, as no client of Hex does.
    """
    written = str(request.environ.get("REQUEST_URI", "")).partition("?")[0].lower()
    if "%2f" in written or "%5c" in written:
        raise NotFound
    try:
        path = find(root, name, organization)
        return send_file(path, mimetype="application/octet-stream")
    except OSError as error:
        raise NotFound from error


def find(root: Path, name: str, organization: str | None = None) -> Path:
    """Return the file that `name` means in the folder `root`, or in an organization's part of it.

    Raises `OSError` for anything else: a folder, a hidden file, what cannot be read, and what lies
    elsewhere, be it by dots or by a symbolic link.
    """
    parts = name.split("/")
    try:
        top = root.resolve(strict=True)
        home = top if organization is None else top / PRIVATE / organization
        path = home.joinpath(*parts).resolve(strict=True)
        inside = path.relative_to(home).parts
    except (RuntimeError, ValueError) as error:  # a link to itself; a zero byte, or outside
        raise FileNotFoundError(name) from error
    if (
        not path.is_file()
        or any(not part or part.startswith(".") for part in (*parts, *inside))
        or (organization is None and _is_private(path, top / PRIVATE))
    ):
        raise FileNotFoundError(name)
    return path


def _is_private(path: Path, folder: Path) -> bool:
    """Tell whether a file is in a folder, by whatever name: some file systems ignore case."""
    return folder.exists() and any(parent.samefile(folder) for parent in path.parents)
