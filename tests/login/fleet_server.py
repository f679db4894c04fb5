"""A Hex server in memory, as two hosts see it: a refresh token works once."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from hexauth.model import Token
from tests.login.fleet_stage import Stage

REFUSED, MUTE = "refused", "mute"
"""The server is not reached; it is, and what it answers is not heard."""

LIFE = 24 * 3600
APPROVED_AFTER = 8.0
"""Seconds after which the person has approved."""


@dataclass
class Hex:
    """The server: the session that there is, and what was asked."""

    stage: Stage
    disturb: Callable[[str], None] = lambda _what: None
    issued: list[tuple[str, str]] = field(default_factory=list)
    """The access and refresh tokens of the session; the last ones are good."""
    sent: list[str] = field(default_factory=list)
    """Each refresh token that has come."""
    codes: int = 0
    asked_at: float = 0.0

    @property
    def good(self) -> tuple[str, str]:
        """The pair that works."""
        return self.issued[-1] if self.issued else ("", "")

    def issue(self) -> dict[str, Any]:
        """Issue another pair; the one before is of no more use."""
        number = len(self.issued)
        self.issued.append((f"access-{number}", f"refresh-{number}"))
        access, refresh = self.good
        return {"access_token": access, "refresh_token": refresh, "expires_in": LIFE}

    def token(self, age: int, life: int) -> Token:
        """Return the pair that works, issued some seconds ago, as hexauth keeps it."""
        issued = int(self.stage.clock) - age
        access, refresh = self.good
        return Token(access, refresh, issued + life, "api", issued)

    def request(self, method: str, url: str, **options: Any) -> "Answer":
        """Answer as requests' session does."""
        form = options.get("data") or {}
        path = urlsplit(url).path.rpartition("/")[2]
        kind = form.get("grant_type", path).rpartition(":")[2]
        self._step(f"send {kind}", REFUSED)
        status, said = self._answered(method, kind, form)
        self._step(f"hear {kind}", MUTE)
        return Answer(status, json.dumps(said).encode())

    def _step(self, name: str, fault: str) -> None:
        what = self.stage.step(name)
        self.disturb(what)
        if what == fault:
            raise requests.ConnectionError

    def _answered(self, method: str, kind: str, form: Any) -> tuple[int, dict[str, Any]]:
        if kind == "refresh_token":
            self.sent.append(form["refresh_token"])
            is_good = form["refresh_token"] == self.good[1]
            return (200, self.issue()) if is_good else (400, {"error": "invalid_grant"})
        if kind == "device_authorization":
            self.codes += 1
            self.asked_at = self.stage.clock
            said = {"device_code": f"device-{self.codes}", "user_code": f"CODE-{self.codes}"}
            page = {"verification_uri": "http://127.0.0.1:9/oauth/device"}
            return 200, said | page | {"expires_in": 600, "interval": 5}
        if kind == "device_code":
            if self.stage.clock < self.asked_at + APPROVED_AFTER:
                return 400, {"error": "authorization_pending"}
            return 200, self.issue()
        return 200, {"username": "alice"} if method == "GET" else {}

    def close(self) -> None:
        """Do nothing: there is no connection."""


class Answer:
    """What requests hands out."""

    is_redirect = False

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code = status
        self.headers = {"Content-Type": "application/json"}
        self.raw = SimpleNamespace(stream=lambda *_words, **_options: [body])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Do nothing."""
