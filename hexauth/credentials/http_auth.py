"""Requests that authenticate themselves: an auth for `requests`, by the rules of Hex's clients.

One call sends at most 1 request, 1 more after a refresh, 1 after a login, and 3 with one-time
passwords. No mutex is held while a request of the caller's is on its way.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests  # whoever comes here has it already
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from hexauth import hex as hexpm
from hexauth.credentials import sources
from hexauth.credentials.request import Request
from hexauth.errors import Declined, LoginRequired, NotReplayable, OtpRequired
from hexauth.login.ending import reject
from hexauth.login.tokens import Tokens
from hexauth.machine.terminal import ask_terminal
from hexauth.model import Credential, Kind, Target
from hexauth.protocols import challenge
from hexauth.servers.repositories import find_repository
from hexauth.servers.targets import hex_origins, parse_target
from hexauth.vault.home import Home
from hexauth.world.http import leads_to, skip
from hexauth.world.urls import origin, split_url

PASSWORDS = 3
"""How many one-time passwords are tried for one call."""

OTP_HEADER = "X-Hex-OTP"

Otp = str | Callable[[str], str | None]
"""A one-time password; or what is called with `totp_required` or `invalid_totp` to get one, and
returns None if there is none."""


class HexAuth(AuthBase):
    """Authenticates requests to `target`: `hexpm`, another repository, or an URL.

    `hexpm` and other repositories stand for their API and for themselves; requests to any other
    origin are sent as they are. With `optional`, a request is first sent without a credential.
    `ask` lets a person be asked for a login, or at the terminal for a one-time password, if
    somebody is there. `otp` comes before `HEX_OTP`; `key` is an API key, or `Bearer TOKEN`, to be
    used instead of what hexauth has.

    May be shared by threads. A request raises what `library.get` does; `OtpRequired` if a one-time
    password is wanted and nobody can be asked; `Declined` if none is given or three were wrong;
    and `NotReplayable` before a body would have to be sent twice that cannot be. What else the
    server refuses is in the response.
    """

    def __init__(
        self,
        target: str = hexpm.REPOSITORY,
        *,
        optional: bool = False,
        ask: bool = True,
        otp: Otp | None = None,
        account: str | None = None,
        key: str = "",
        home: Home | None = None,
    ) -> None:
        self._target = target
        self._optional = optional
        self._ask = ask
        self._otp = otp
        self._account = account
        self._key = key
        self._home = home

    def __repr__(self) -> str:
        return f"HexAuth({self._target!r})"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put a credential into `request`, and see to what its server answers."""
        home = self._home or Home.open(account=self._account)
        target, name = self._place(home, str(request.url))
        if target is None:
            return request
        ask = None if self._ask else False
        wanted = Request(home, target, ask=ask, repository=name)
        here = wanted.site.repository
        is_mirror = name and here is not None and not wanted.site.is_api and not here.trusted
        if not is_mirror:  # an untrusted one has not been named by whoever gave the key
            wanted = replace(wanted, given=self._key)
        call = _Call(wanted, request, self._optional, self._otp or home.settings.otp or None)
        call.begin()
        request.register_hook("response", call.handle)  # type: ignore[no-untyped-call,unused-ignore]
        return request

    def _place(self, home: Home, url: str) -> tuple[Target | None, str]:
        """Return what `url` is, and the repository it is asked for; None if it is not for us."""
        here = origin(*split_url(url))
        if "://" in self._target:
            named, own = parse_target(self._target, home.settings), ""
            known = [origin(str(named.protocol), str(named.host))]
        else:
            repository, own = find_repository(self._target, home.settings), self._target
            known = [origin(*split_url(each)) for each in (repository.api_url, repository.url)]
            known += hex_origins(home.settings) if repository.is_hexpm else []
        return (parse_target(url, home.settings) if here in known else None), own


class _Call:
    """One call: what has been sent for it, and what may still be tried."""

    def __init__(
        self, wanted: Request, request: requests.PreparedRequest, optional: bool, otp: Otp | None
    ) -> None:
        self._wanted, self._request, self._optional, self._otp = wanted, request, optional, otp
        self._origin = origin(*split_url(str(request.url)))
        self._sent: Credential | None = None
        self._may_refresh, self._may_log_in = True, wanted.may_ask
        self._passwords, self._is_away = 0, False

    def begin(self) -> None:
        """Put in the first credential, unless the request is to be tried without."""
        if not self._optional:
            self._send(self._wanted)

    def handle(self, response: requests.Response, **options: Any) -> requests.Response:  # noqa: ANN401  (requests hands them on)
        """Return the answer to the request in the end; `options` are those it was sent with."""
        while self._is_refused(response):
            try:
                self._check_body()
                if not self._answer(response):
                    return response
            except BaseException as error:
                if self._optional and isinstance(error, LoginRequired):
                    return response
                response.close()  # its body was not read, and nobody else will have it
                raise
            response = self._again(response, options)
        return response

    def _is_refused(self, response: requests.Response) -> bool:
        """Tell whether more can be done for `response`; a credential never leaves its origin."""
        headers = response.request.headers
        if response.is_redirect:
            if leads_to(response.url, response.headers["location"])[1] != self._origin:
                self._is_away = True
                for name in ("Authorization", OTP_HEADER):
                    headers.pop(name, None)
            return False
        # One that went elsewhere and came back asks for what somebody else has chosen.
        return response.status_code == 401 and not self._is_away

    def _answer(self, response: requests.Response) -> bool:
        """Do what the server asks for; tell whether the request is worth sending again."""
        said = challenge.parse(response.headers.get("WWW-Authenticate", ""))
        self._request = response.request
        if self._sent is None:
            self._may_log_in = False  # this is it
            self._send(self._wanted)
            return True
        if wanted := challenge.wants_password(said):
            self._request.headers[OTP_HEADER] = self._password(wanted)
            return True
        if not challenge.rejects_token(said) or self._sent.login is None:
            return False
        if self._may_refresh:
            self._may_refresh = False
            self._renew(self._sent)
            return True
        if self._may_log_in and not self._sent.login.exchange:
            self._may_log_in = False
            self._log_in()
            return True
        return False

    def _renew(self, rejected: Credential) -> None:
        """Get another token in place of the one that was rejected, with a login if need be."""
        assert rejected.login is not None  # noqa: S101  (the caller has looked)
        if rejected.kind is not Kind.KEY:
            reject(Tokens(self._wanted.home, rejected.login), rejected.secret)
        try:
            self._send(replace(self._wanted, ask=False))  # what was seen is out of date
        except LoginRequired:
            if not self._may_log_in:
                raise
            self._may_log_in = False
            self._send(replace(self._wanted))

    def _log_in(self) -> None:
        """Have the person log in, because even a new token was rejected."""
        self._send(replace(self._wanted), sources.from_login)

    def _send(self, wanted: Request, source: sources.Source = sources.get) -> None:
        """Put the credential that `source` has for `wanted` into the request."""
        try:
            credential = source(wanted)
        finally:
            wanted.home.close()
        assert isinstance(credential, Credential)  # noqa: S101  (a login is never without)
        self._sent = credential
        self._request.headers["Authorization"] = credential.authorization

    def _password(self, wanted: str) -> str:
        """Return a one-time password that was not tried yet.

        Raises `Declined` after three, or if none is given, and `OtpRequired` if nobody is there.
        """
        if self._passwords == PASSWORDS:
            raise Declined(
                f"{PASSWORDS} one-time passwords were wrong.",
                hint="Check the clock of the device that makes them, then try again.",
            )
        self._passwords += 1
        if isinstance(self._otp, str):
            code, self._otp = self._otp, None
        elif self._otp is not None:
            code = self._otp(wanted) or ""
        elif self._wanted.may_ask:
            what = "Wrong. " if wanted == challenge.OTP_INVALID and self._passwords > 1 else ""
            code = ask_terminal(f"{what}One-time password: ") or ""
        elif self._passwords > 1:
            raise OtpRequired("The one-time password is wrong.")
        else:
            raise OtpRequired("The server wants a one-time password.")
        if not code:
            raise Declined(
                "No one-time password was given.",
                hint="Nothing was changed: try again, with one that is fresh.",
            )
        if not re.fullmatch(r"[\x21-\x7e]{1,64}", code):
            raise OtpRequired(
                "This is no one-time password: it holds a space, or is too long.",
                hint="Give the digits that your authenticator shows, or set HEX_OTP to them.",
            )
        return code

    def _check_body(self) -> None:
        """Raise `NotReplayable` unless the request's body can be sent once more."""
        body = self._request.body
        position = getattr(self._request, "_body_position", None)
        is_whole = body is None or isinstance(body, str | bytes | bytearray)
        if not is_whole and not (hasattr(body, "seek") and isinstance(position, int)):
            raise NotReplayable("The server refused the request, whose body is gone.")

    def _again(self, response: requests.Response, options: dict[str, Any]) -> requests.Response:
        """Send the request once more, over the same connection."""
        skip(response)
        if not isinstance(self._request.body, str | bytes | bytearray | None):
            try:
                rewind_body(self._request)
            except UnrewindableBodyError:
                raise NotReplayable(
                    "The server refused the request, whose body cannot be read again."
                ) from None
        again = response.connection.send(self._request, **options)
        again.history.append(response)
        again.request = self._request
        return again  # type: ignore[no-any-return,unused-ignore]
