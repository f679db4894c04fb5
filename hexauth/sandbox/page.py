"""The approval page: where a person answers a grant, without a script, on a phone too."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request

from hexauth.sandbox import scopes
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.records import Grant, State

STYLE = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

COOKIE = "hexauth-sandbox"

ASK = "Log in a device"

UNKNOWN = "There is no such code"

ENDED = {
    State.APPROVED: (
        "Approved already",
        "This code has been approved already. You can close this page.",
    ),
    State.DENIED: (
        "Denied already",
        "This code has been denied already. You can close this page.",
    ),
    State.EXPIRED: (
        "Expired",
        "This code has expired. Start the login again to get a new one.",
    ),
}
"""The title, and what the page says, about a grant that no longer waits."""


def blueprint(hexpm: Hexpm) -> Blueprint:
    """Return the page at `/oauth/device`."""
    page = Blueprint("page", __name__)
    key = secrets.token_bytes(32)

    @page.get("/")
    def home() -> Response:
        return show(asking(ASK), "")

    @page.get("/oauth/device")
    def device() -> Response:
        code = request.args.get("user_code", "")
        grant = hexpm.find(code) if code.strip() else None
        if grant is None:
            if not code.strip():
                return show(asking(ASK), "")
            problem = f"{UNKNOWN}. Check it, letter by letter."
            return show(asking(UNKNOWN, problem, code), "", 404)
        if grant.state is not State.PENDING:
            return show(asking(*ENDED[grant.state], ended=True), "", 410)
        cookie = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
        return show(deciding(grant, proof(key, cookie, grant)), cookie)

    @page.post("/oauth/device")
    def decide() -> Response:
        grant = hexpm.find(request.form.get("user_code", ""))
        if grant is None:
            return show(asking(UNKNOWN, f"{UNKNOWN}."), "", 404)
        cookie = request.cookies.get(COOKIE, "")
        right = proof(key, cookie, grant)
        sent = request.form.get("proof", "").encode()
        if not cookie or not hmac.compare_digest(right.encode(), sent):
            problem = "This page was open for too long, or somewhere else. Please try again."
            return show(asking("Try again", problem, grant.user_code), "", 403)
        approve = request.form.get("answer") == "approve"
        chosen = request.form.getlist("scope")
        if approve and not set(chosen) & set(grant.scope):
            problem = "Choose at least one thing to allow, or deny the login."
            return show(deciding(grant, right, problem), cookie, 400)
        if not hexpm.answer(grant, approve=approve, scope=chosen):
            return show(asking(*ENDED[grant.state], ended=True), "", 410)
        return show(render_template("answered.html", style=STYLE, approved=approve), "")

    def deciding(grant: Grant, token: str, problem: str = "") -> str:
        return render_template(
            "decide.html",
            style=STYLE,
            grant=grant,
            code=f"{grant.user_code[:4]}-{grant.user_code[4:]}",
            user=hexpm.options.user,
            scopes=[(name, scopes.meaning(name)) for name in grant.scope],
            chosen=() if problem else grant.scope,  # what was unticked stays so
            proof=token,
            problem=problem,
        )

    return page


def asking(title: str, problem: str = "", code: str = "", *, ended: bool = False) -> str:
    """Return the page that asks for a code; for another one, if the login with it has `ended`."""
    facts = {"title": title, "problem": problem, "code": code[:20], "ended": ended}
    return render_template("ask.html", style=STYLE, **facts)


def proof(key: bytes, cookie: str, grant: Grant) -> str:
    """Return what only a page of ours, opened in this browser for this grant, can send back."""
    return hmac.new(key, f"{cookie}\n{grant.user_code}".encode(), "sha256").hexdigest()


def show(html: str, cookie: str, status: int = 200) -> Response:
    """Return a page with the headers that keep scripts and frames away."""
    response = make_response(html, status)
    response.headers.update(HEADERS)
    if cookie:
        response.set_cookie(COOKIE, cookie, path="/oauth/device", httponly=True, samesite="Strict")
    return response
