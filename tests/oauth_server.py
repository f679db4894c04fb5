"""An OAuth server that is not Hex: the device grant, and the oddities that servers have."""

import json
import secrets
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.serving import Serving

CLIENT_ID = "forge-cli"


@dataclass(frozen=True)
class Oddities:
    """What this server does otherwise than most."""

    path: str = ""
    """The issuer's path."""
    metadata: str = "oauth"
    """`oauth` (RFC 8414), `openid` (OpenID Connect Discovery), or nothing."""
    issuer: str | None = None
    """The issuer it says it is, if not itself."""
    omit: tuple[str, ...] = ()
    """What is left out of its answers."""
    rotates: bool = True
    numbers_as_text: bool = False
    form_answers: bool = False
    errors_with_200: bool = False
    token_ttl: float = 1800
    interval: float = 0.1
    users: tuple[str, ...] = ("alice",)
    approves: bool = True


class OAuthServer(Serving):
    """One server on loopback, in memory; use it in a `with` block."""

    daemon_threads = False
    request_queue_size = 256

    def __init__(self, oddities: Oddities | None = None) -> None:
        super().__init__(_Handler)
        self.oddities = oddities or Oddities()
        self.issuer = self.url + self.oddities.path
        self.counts: Counter[str] = Counter()
        self.guard = threading.Lock()
        self.approved = self.oddities.approves
        self.codes: dict[str, str] = {}
        self.access: dict[str, str] = {}
        self.refresh: dict[str, tuple[str, str]] = {}
        self.headers: list[dict[str, str]] = []

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.oddities.issuer or self.issuer,
            "device_authorization_endpoint": f"{self.issuer}/device/code",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }

    def device(self) -> dict[str, Any]:
        code = secrets.token_hex(8)
        self.codes[code] = self.oddities.users[self.counts["device"] % len(self.oddities.users)]
        return {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/activate",
            "verification_uri_complete": f"{self.url}/activate?user_code=WDJB-MJHT",
            "interval": self.oddities.interval,
            "expires_in": 600,
        }

    def issue(self, user: str, refresh: str | None = None) -> dict[str, Any]:
        access, new = secrets.token_hex(8), refresh or secrets.token_hex(8)
        self.access[access], self.refresh[new] = user, (user, access)
        return {
            "access_token": access,
            "refresh_token": new,
            "token_type": "Bearer",
            "expires_in": self.oddities.token_ttl,
            "scope": "read",
        }

    def token(self, form: dict[str, str]) -> tuple[str, int, dict[str, Any]]:
        if form.get("client_id") != CLIENT_ID:
            return "poll", 401, {"error": "invalid_client"}
        if "device_code" in form:
            if not self.approved:
                return "poll", 400, {"error": "authorization_pending"}
            return "poll", 200, self.issue(self.codes[form["device_code"]])
        spent = form.get("refresh_token", "")
        if spent not in self.refresh:
            return "refresh", 400, {"error": "invalid_grant"}
        user, access = self.refresh.pop(spent)
        self.access.pop(access, None)
        answer = self.issue(user, None if self.oddities.rotates else spent)
        return "refresh", 200, answer


class _Handler(BaseHTTPRequestHandler):
    server: OAuthServer

    def do_GET(self) -> None:
        odd, path = self.server.oddities, self.path
        known = {
            "oauth": f"/.well-known/oauth-authorization-server{odd.path}",
            "openid": f"{odd.path}/.well-known/openid-configuration",
        }
        user = self.server.access.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if path == known.get(odd.metadata):
            self._answer("metadata", 200, self.server.metadata())
        elif path == f"{odd.path}/userinfo" and user:
            self._answer("userinfo", 200, {"sub": f"id-{user}", "preferred_username": user})
        elif path.startswith("/resource"):
            self._answer("resource", 200 if user else 401, {"user": user})
        else:
            self._answer("other", 404, {"message": "Not found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form, path = dict(parse_qsl(body)), self.path.removeprefix(self.server.oddities.path)
        with self.server.guard:
            if path == "/device/code":
                self._answer("device", 200, self.server.device())
            elif path == "/token":
                self._answer(*self.server.token(form))
            elif path == "/revoke":
                self.server.refresh.pop(form["token"], None)
                self._answer("revoke", 200, {})
            else:
                self._answer("other", 404, {})

    def _answer(self, kind: str, status: int, answer: dict[str, Any]) -> None:
        odd = self.server.oddities
        self.server.counts[kind] += 1
        found = {name: value for name, value in answer.items() if name not in odd.omit}
        if odd.numbers_as_text:
            found = {n: str(v) if isinstance(v, int | float) else v for n, v in found.items()}
        is_form = odd.form_answers and kind in ("device", "poll", "refresh")
        text = urlencode(found) if is_form else json.dumps(found)
        kinds = {True: "application/x-www-form-urlencoded", False: "application/json"}
        self.send_response(200 if odd.errors_with_200 and "error" in found else status)
        self.send_header("Content-Type", kinds[is_form])
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        if status == 401 and kind == "resource":
            self.send_header("WWW-Authenticate", 'Bearer realm="x", error="invalid_token"')
        self.end_headers()
        self.wfile.write(text.encode())
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        pass
