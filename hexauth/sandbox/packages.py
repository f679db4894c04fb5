"""The packages of the API: who publishes, retires and owns what, for everybody or an organization.

What is published is remembered by its name, version and checksum: it is in no registry.
"""

import re
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import NotFound

from hexauth.sandbox import resources
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.resources import MADE_AT, Denied
from hexauth.sandbox.shelf import Package, Release, Shelf, Unprocessable, email
from hexauth.sandbox.spoil import answer
from hexauth.sandbox.uploads import NoPackage, Upload, package

MAX_UPLOAD = 1024**4
"""Bytes of a package: as good as any number, for none of it is kept."""

UPLOADS = ("publish", "docs")
"""The kinds of requests whose body is a file."""

REASONS = ("other", "invalid", "security", "deprecated", "renamed")
LEVELS = ("full", "maintainer")

PATH = re.compile(
    r"/api(?:/repos/[^/]+)?/(?:(?P<publish>publish)|packages/[^/]+(?:/(?:"
    r"releases(?:/[^/]+(?:/(?:(?P<docs>docs)|(?P<retire>retire)))?)?|(?P<owners>owners)(?:/.+)?"
    r"))?)"
)


def kind(method: str, path: str) -> str | None:
    """Return what the journal calls a request; None for one that is not about one package."""
    found = PATH.fullmatch(path)
    if found is None:
        return None
    return found.lastgroup or {"POST": "publish", "DELETE": "revert"}.get(method, "package")


def blueprint(hexpm: Hexpm) -> Blueprint:
    """Return the addresses of packages, below `/api` and `/api/repos/ORG`."""
    shelf = Shelf(hexpm.options.user, hexpm.options.registry)
    packages = Blueprint("packages", __name__, url_prefix="/api")
    packages.register_error_handler(Unprocessable, _unprocessable)
    parts = [_releases(shelf), _owners(shelf)]
    for part in parts:
        part.url_value_preprocessor(_keep_organization)
        part.before_request(lambda: _let_in(hexpm))
        packages.register_blueprint(part)
        packages.register_blueprint(
            part, url_prefix="/repos/<organization>", name=f"private_{part.name}"
        )
    return packages


def _keep_organization(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.organization = (values or {}).pop("organization", None)


def _let_in(hexpm: Hexpm) -> None:
    """Raise `Denied` unless the current request is allowed.

    Its body is read first, as hexpm does, so that a client that is still sending hears the answer.
    """
    name = g.entry["kind"]
    if request.method == "POST" and name in UPLOADS:
        g.upload = Upload(request.stream)
        g.upload_is = package(g.upload) if name == "publish" else g.upload.skip()
        g.entry["upload"] = {"bytes": g.upload.size, "sha256": g.upload.checksum}
    if request.method != "GET":
        who = resources.caller(hexpm)
        resources.require(who, "api:write")
        if who.kind == "oauth":
            resources.check_password(hexpm)
    elif g.organization is not None or name == "owners":
        resources.require(resources.caller(hexpm), "api:read")
    if g.organization not in (None, *hexpm.options.organizations):
        raise Denied(403, "account not authorized for this action")


def _releases(shelf: Shelf) -> Blueprint:
    releases = Blueprint("releases", __name__)

    @releases.post("/publish", defaults={"name": None})
    @releases.post("/packages/<name>/releases")
    def publish(name: str | None) -> Response:
        if isinstance(g.upload_is, NoPackage):
            raise Unprocessable("tar", str(g.upload_is))
        told, version = g.upload_is
        if name not in (None, told):
            raise Unprocessable("name", f"the package is called {told}")
        replace = request.args.get("replace") == "true"
        is_new = shelf.publish(g.organization, told, version, g.upload.checksum, replace=replace)
        return answer(
            _of_release(told, version, Release(g.upload.checksum)), 201 if is_new else 200
        )

    @releases.get("/packages/<name>")
    def show(name: str) -> Response:
        return answer(_of_package(name, _find(shelf, name)), 200)

    @releases.get("/packages/<name>/releases/<version>")
    def show_release(name: str, version: str) -> Response:
        return answer(_of_release(name, version, _release(shelf, name, version)), 200)

    @releases.delete("/packages/<name>/releases/<version>")
    def revert(name: str, version: str) -> Response:
        with shelf.lock:
            _release(shelf, name, version)
            del _find(shelf, name).releases[version]
        return _done()

    @releases.post("/packages/<name>/releases/<version>/docs")
    def docs(name: str, version: str) -> Response:
        _release(shelf, name, version).docs = g.upload.checksum
        return answer({}, 201)

    @releases.delete("/packages/<name>/releases/<version>/docs")
    def revert_docs(name: str, version: str) -> Response:
        _release(shelf, name, version).docs = None
        return _done()

    @releases.post("/packages/<name>/releases/<version>/retire")
    def retire(name: str, version: str) -> Response:
        reason, message = (g.parameters.get(each) or "" for each in ("reason", "message"))
        if reason not in REASONS:
            raise Unprocessable("reason", "is invalid")
        told = {"reason": str(reason), "message": str(message)}
        _release(shelf, name, version).retirement = told
        return _done()

    @releases.delete("/packages/<name>/releases/<version>/retire")
    def unretire(name: str, version: str) -> Response:
        _release(shelf, name, version).retirement = None
        return _done()

    return releases


def _owners(shelf: Shelf) -> Blueprint:
    owners = Blueprint("owners", __name__)

    @owners.get("/packages/<name>/owners")
    def all_owners(name: str) -> Response:
        with shelf.lock:
            return answer([_of_owner(*each) for each in _find(shelf, name).owners.items()], 200)

    @owners.get("/packages/<name>/owners/<user>")
    def show(name: str, user: str) -> Response:
        known = _find(shelf, name)
        who = known.owner(user)
        if who is None:
            raise NotFound
        return answer(_of_owner(who, known.owners[who]), 200)

    @owners.put("/packages/<name>/owners/<user>")
    def add(name: str, user: str) -> Response:
        level = g.parameters.get("level", LEVELS[0])
        if level not in LEVELS:
            raise Unprocessable("level", "is invalid")
        with shelf.lock:
            known = _find(shelf, name)
            who = known.owner(user) or user.partition("@")[0]
            if g.parameters.get("transfer") is True:
                known.owners.clear()
            known.owners[who] = level
        return _done()

    @owners.delete("/packages/<name>/owners/<user>")
    def remove(name: str, user: str) -> Response:
        with shelf.lock:
            known = _find(shelf, name)
            who = known.owner(user)
            if who is None:
                raise NotFound
            if len(known.owners) == 1:
                raise Unprocessable("owner", "cannot remove last owner of package")
            del known.owners[who]
        return _done()

    return owners


def _find(shelf: Shelf, name: str) -> Package:
    known = shelf.find(g.organization, name)
    if known is None:
        raise NotFound
    return known


def _release(shelf: Shelf, name: str, version: str) -> Release:
    known = _find(shelf, name).releases.get(version)
    if known is None:
        raise NotFound
    return known


def _done() -> Response:
    return Response(status=204)


def _unprocessable(error: Unprocessable) -> Response:
    message = "Validation error(s)"
    return answer({"status": 422, "message": message, "errors": {error.name: str(error)}}, 422)


def _of_owner(name: str, level: str) -> dict[str, Any]:
    return {"username": name, "email": email(name), "level": level}


def _of_release(name: str, version: str, release: Release) -> dict[str, Any]:
    return {
        "version": version,
        "checksum": release.checksum,
        "has_docs": release.docs is not None,
        "retirement": release.retirement,
        "requirements": {},
        "meta": {"app": name, "build_tools": ["mix"], "elixir": None},
        "inserted_at": MADE_AT,
        "updated_at": MADE_AT,
        "configs": _configs(name, version),
        **_places(f"{name}/releases/{version}", f"{name}/{version}"),
    }


def _of_package(name: str, package: Package) -> dict[str, Any]:
    releases = sorted(package.releases.items(), reverse=True)
    return {
        "name": name,
        "repository": g.organization or "hexpm",
        "meta": {"description": "", "licenses": [], "links": {}, "maintainers": []},
        "releases": [
            {"version": version, "has_docs": release.docs is not None, "inserted_at": MADE_AT}
            for version, release in releases
        ],
        "retirements": {
            version: release.retirement for version, release in releases if release.retirement
        },
        "owners": [_of_owner(*each) for each in package.owners.items()],
        "downloads": {},
        "configs": _configs(name, releases[0][0] if releases else "0.1.0"),
        "inserted_at": MADE_AT,
        "updated_at": MADE_AT,
        **_places(name, name),
    }


def _configs(name: str, version: str) -> dict[str, str]:
    """Return what a project writes into its own files to depend on a package."""
    return {
        "mix.exs": f'{{:{name}, "~> {version}"}}',
        "rebar.config": f'{{{name}, "{version}"}}',
        "erlang.mk": f"dep_{name} = hex {version}",
    }


def _places(path: str, page: str) -> dict[str, str]:
    below = "api" if g.organization is None else f"api/repos/{g.organization}"
    return {
        "url": f"{request.host_url}{below}/packages/{path}",
        "html_url": f"{request.host_url}packages/{page}",
        "docs_html_url": f"{request.host_url}docs/{page}/",
    }
