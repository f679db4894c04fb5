"""The sandbox as a WSGI application: what every request goes through before its endpoint."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from hexauth.sandbox import bodies, control, oauth, packages, page, registry, resources, spoil
from hexauth.sandbox.faults import Faults
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.journal import Journal, mask
from hexauth.sandbox.limits import Limit, Standing
from hexauth.sandbox.records import Refused
from hexauth.sandbox.resources import Denied
from hexauth.sandbox.spoil import answer

LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
"""The names this server goes by; any other is somebody else's page (DNS rebinding)."""

PATHS = {
    "/api/oauth/device_authorization": "device_authorization",
    "/api/oauth/revoke": "revoke",
    "/api/oauth/revoke_by_hash": "revoke_by_hash",
    "/api/users/me": "users_me",
    "/api/auth": "auth",
    "/api/keys": "keys",
    "/api/packages": "packages",
    "/names": "names",
    "/elsewhere": "elsewhere",
    "/": "page",
    "/oauth/device": "page",
}
"""What the journal calls a request, by its path."""

MINUTE = 60
USER_SHARE = 5
"""How much more the user may ask for than an address may."""


def create_app(
    hexpm: Hexpm,
    journal: Journal,
    faults: Faults,
    *,
    stopping: threading.Event,
    now: Callable[[], float] = time.time,
    address: str = "",
) -> Flask:
    """Return the application; `stopping` ends every wait, `now` returns unix seconds.

    It answers to names of loopback and, at any port, to `address`.
    """
    has_registry = hexpm.options.registry is not None
    app = App(_MAPS.get(has_registry))
    app.config["MAX_CONTENT_LENGTH"] = bodies.MAX_BYTES
    limit = hexpm.options.rate_limit
    limiter = Limiter(hexpm, limit, now) if limit else None

    @app.before_request
    def begin() -> Response | None:
        g.entry, g.fault, g.standing, g.parameters = None, None, None, {}
        host = request.headers.get("Host", "")
        if not LOOPBACK.fullmatch(host) and host.partition(":")[0] != (address or None):
            return Response("This server answers to loopback names only.\n", 421)
        malformed = read_parameters()
        if request.path.startswith("/sandbox/"):
            return None if malformed is None else answer({"message": str(malformed)}, 400)
        g.entry = entry(kind(), now())
        journal.begin(g.entry)
        if g.entry["path"].startswith("/api/oauth/") and "Authorization" in request.headers:
            journal.count("authorization_on_oauth")
        return spoiled() or checked(malformed)

    def spoiled() -> Response | None:
        g.fault = faults.take(g.entry["kind"])
        if g.fault is None:
            return None
        journal.count("faults")
        g.entry["fault"] = g.fault.kind
        if g.fault.kind == "drop":
            journal.end(g.entry, "dropped")
        return spoil.instead(g.fault, stopping.wait)

    def checked(malformed: bodies.Malformed | None) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        if not request.headers.get("User-Agent"):
            return answer({"status": 400, "message": "User-Agent header is required"}, 400)
        g.standing = limiter.use() if limiter else None
        if g.standing and g.standing.exceeded:
            journal.count("rate_limited")
            return answer({"status": 429, "message": "API rate limit exceeded"}, 429)
        if malformed is None:
            return None
        if request.path.startswith("/api/oauth/"):
            return oauth.refusal(Refused("invalid_request", str(malformed), malformed.status))
        return answer({"status": malformed.status, "message": str(malformed)}, malformed.status)

    @app.after_request
    def end(response: Response) -> Response:
        if g.get("entry") is None:
            return response
        if g.standing:
            response.headers["x-ratelimit-limit"] = str(g.standing.limit)
            response.headers["x-ratelimit-remaining"] = str(g.standing.remaining)
            response.headers["x-ratelimit-reset"] = str(g.standing.reset)
        lost = g.fault and g.fault.kind in spoil.LOST
        journal.end(g.entry, "dropped" if lost else response.status_code)
        return spoil.afterwards(g.fault, response, stopping.wait) if g.fault else response

    @app.route("/elsewhere", methods=["GET", "POST", "PUT", "DELETE"])
    def elsewhere() -> Response:
        return answer({"message": "This is another origin: nobody should have come."}, 200)

    app.register_error_handler(Refused, oauth.refusal)
    app.register_error_handler(Denied, resources.denial)
    app.register_error_handler(HTTPException, resources.failure)
    for blueprint in _blueprints(hexpm, journal, faults):
        app.register_blueprint(blueprint)
    _MAPS[has_registry] = app.url_map
    return app


def _blueprints(hexpm: Hexpm, journal: Journal, faults: Faults) -> Iterator[Blueprint]:
    yield oauth.blueprint(hexpm)
    yield resources.blueprint(hexpm)
    yield packages.blueprint(hexpm)
    yield page.blueprint(hexpm)
    yield control.blueprint(hexpm, journal, faults)
    if hexpm.options.registry is not None:
        yield registry.blueprint(hexpm.options.registry, hexpm, journal)


_MAPS: dict[bool, Map] = {}
"""The compiled rules of applications without and with a registry."""


class App(Flask):
    """An application that takes over the rules of an earlier one, if there is one.

    Compiling them is nine tenths of what it takes to make an application, and tests make thousands.
    """

    def __init__(self, known: Map | None) -> None:
        super().__init__(__name__, static_folder=None)
        self._is_known = known is not None
        if known is not None:
            self.url_map = known

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,  # noqa: ANN401  (passed on as it is)
    ) -> None:
        """Add a rule, or its function alone if the rule is known."""
        if not self._is_known:
            super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        elif view_func is not None:
            self.view_functions[endpoint or view_func.__name__] = view_func


class Limiter:
    """The limit of an address, and a larger one for requests that say who the user is."""

    def __init__(self, hexpm: Hexpm, limit: int, now: Callable[[], float]) -> None:
        self._hexpm = hexpm
        self._addresses = Limit(limit, MINUTE, now=now)
        self._users = Limit(limit * USER_SHARE, MINUTE, now=now)

    def use(self) -> Standing:
        """Count the current request."""
        sent = request.headers.get("Authorization")
        if sent and self._hexpm.authenticate(sent):
            return self._users.use(self._hexpm.options.user)
        return self._addresses.use(request.remote_addr or "")


def read_parameters() -> bodies.Malformed | None:
    """Decode the body into `g.parameters`, and return what is wrong with it.

    Pages have forms; packages are read where they are wanted.
    """
    if kind() == "page":
        return None
    if kind() in packages.UPLOADS:
        request.max_content_length = packages.MAX_UPLOAD
        return None
    try:
        g.parameters = bodies.decode(request.headers.get("Content-Type", ""), request.get_data())
    except bodies.Malformed as error:
        return error
    return None


def kind() -> str:
    """Return what the journal calls the current request."""
    if request.path == "/api/oauth/token":
        sent = g.parameters.get("grant_type")
        return oauth.KINDS.get(sent, "token") if isinstance(sent, str) else "token"
    if request.path.startswith("/repos/") and request.path.endswith("/names"):
        return "names"
    if found := packages.kind(request.method, request.path):
        return found
    if "registry" in current_app.blueprints:
        return registry.kind(request.path) or PATHS.get(request.path, "other")
    return PATHS.get(request.path, "other")


def entry(name: str, at: float) -> dict[str, Any]:
    """Return what the log lists of the current request: no secrets, no query, no body."""
    headers = request.headers
    grant_type = g.parameters.get("grant_type")
    return {
        "time": at,
        "method": request.method,
        "path": request.path,
        "kind": name,
        "grant_type": grant_type if isinstance(grant_type, str) else None,
        "status": None,
        "fault": None,
        "user_agent": headers.get("User-Agent"),
        "accept": headers.get("Accept"),
        "content_type": headers.get("Content-Type"),
        "authorization": mask(headers.get("Authorization")),
        "one_time_password": "X-Hex-OTP" in headers,
    }
