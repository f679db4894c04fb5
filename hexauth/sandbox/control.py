"""The addresses below `/sandbox`: what the sandbox has seen, and what a test may do to it."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from hexauth.errors import UsageError
from hexauth.sandbox import faults
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.journal import Journal
from hexauth.sandbox.oauth import given
from hexauth.sandbox.records import Grant, Refused, State


def blueprint(hexpm: Hexpm, journal: Journal, waiting: faults.Faults) -> Blueprint:
    """Return the control addresses; none of them counts as a request, and none needs a login."""
    control = Blueprint("control", __name__, url_prefix="/sandbox")

    @control.before_request
    def refuse_foreign_pages() -> tuple[Response, int] | None:
        """Keep pages of other origins from approving logins in the background."""
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return problem("Another page's requests are not taken.", 403)
        return None

    @control.get("/log")
    def log() -> Response:
        return jsonify(journal.log())

    @control.get("/counts")
    def counts() -> Response:
        return jsonify(journal.counts())

    @control.get("/faults")
    def show_faults() -> Response:
        return jsonify(waiting.waiting())

    @control.post("/faults")
    def add_fault() -> Response | tuple[Response, int]:
        try:
            waiting.add(faults.parse(given("fault")))
        except UsageError as error:
            return problem(f"{error} {error.hint}", 400)
        return show_faults()

    @control.delete("/faults")
    def clear_faults() -> Response:
        waiting.clear()
        return show_faults()

    @control.get("/grants")
    def grants() -> Response:
        return jsonify([describe(grant) for grant in hexpm.grants()])

    @control.post("/approve")
    def approve() -> Response | tuple[Response, int]:
        return answer(approve=True)

    @control.post("/deny")
    def deny() -> Response | tuple[Response, int]:
        return answer(approve=False)

    @control.get("/sessions")
    def sessions() -> Response:
        return jsonify(
            [
                {"name": session.name, "client_id": session.client_id, "ends_at": session.ends_at}
                for session in hexpm.sessions()
            ]
        )

    @control.delete("/sessions")
    def end_sessions() -> Response:
        hexpm.end_sessions()
        return sessions()

    @control.delete("/access_tokens")
    def reject_access_tokens() -> Response:
        hexpm.reject_access_tokens()
        return jsonify({})

    @control.post("/keys")
    def add_key() -> Response | tuple[Response, int]:
        try:
            return jsonify({"secret": hexpm.add_key(given("scope") or "api repositories")})
        except Refused as error:
            return problem(str(error), 400)

    def answer(*, approve: bool) -> Response | tuple[Response, int]:
        """Answer the grant of `user_code`, or the newest that waits, with all or some scopes."""
        code = given("user_code")
        pending = [grant for grant in hexpm.grants() if grant.state is State.PENDING]
        grant = hexpm.find(code) if code else next(reversed(pending), None)
        scope = given("scope").split() or None
        if grant is None:
            return problem("There is no such grant.", 404)
        if not hexpm.answer(grant, approve=approve, scope=scope):
            return problem(f"The grant is {grant.state} already.", 409)
        return jsonify(describe(grant))

    return control


def describe(grant: Grant) -> dict[str, object]:
    """Return what may be shown of a grant: all but the device code."""
    return {
        "user_code": grant.user_code,
        "name": grant.name,
        "scope": " ".join(grant.scope),
        "state": grant.state,
        "expires_at": grant.expires_at,
    }


def problem(message: str, status: int) -> tuple[Response, int]:
    """Return an error answer of the control addresses."""
    return jsonify({"message": message}), status
