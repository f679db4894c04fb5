"""The servers: whether they answer, how, who vouches for them, and what their clocks say."""

import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.errors import HexauthError
from hexauth.servers.targets import hex_origins
from hexauth.world.http import trusted_by, unreachable
from hexauth.world.told import clock_ahead, masked
from hexauth.world.trust import SYSTEM, Trust
from hexauth.world.urls import is_loopback, origin, split_url

if TYPE_CHECKING:
    import requests

EARLY, LATE = 60, 300
"""So many seconds between two clocks are a warning, and a problem."""

DAYS = 14
"""A certificate that ends sooner is a warning."""


def look(case: Case) -> Iterator[Finding]:
    """Yield what each server answers; without `HEX_OFFLINE`, each is asked once or twice."""
    if case.settings.offline:
        yield ok("servers", "Nothing was sent to any server.")
        return
    for url in _addresses(case):
        yield from _server(case, url)
    if case.settings.https_proxy and (skipped := case.settings.no_proxy):
        yield ok("no_proxy", f"No proxy is used for {skipped}.")


def _addresses(case: Case) -> list[str]:
    """Return the address to ask at each server, once for an origin: Hex's, and the logins'."""
    settings = case.settings
    known = [settings.api_url, *hex_origins(settings)]
    known += [settings.mirror_url] if settings.mirror_url else []
    known += [login.server for login in case.logins]
    return list({origin(*split_url(url)): url for url in reversed(known)}.values())[::-1]


def _server(case: Case, url: str) -> Iterator[Finding]:
    import requests

    name, proxy = split_url(url)[1], _proxy(url)
    if proxy:
        yield ok(f"proxy for {name}", proxy)
    begun = time.monotonic()
    try:
        with case.http.get(url, stream=True, allow_redirects=False) as response:
            taken = time.monotonic() - begun
            link = _link(response)
            yield _answered(name, response.status_code, taken, link, url)
            certificate = link.getpeercert() if link else None
            headers = response.headers
    except requests.RequestException as error:
        failed = unreachable(masked(url), error)
        yield problem(name, str(failed), failed.hint)
        return
    except HexauthError as error:
        yield problem(name, str(error), error.hint)
        return
    if certificate:
        yield _certificate(name, certificate, case.now())
        yield _trust(case, name, url)
    yield from _clock(name, clock_ahead(headers))


def _link(response: "requests.Response") -> Any:  # noqa: ANN401  (an SSLSocket, or truststore's)
    """Return the encrypted connection that an answer comes by, or None if it is not encrypted.

    The connection has let go of one that ends with the answer, which then has it to itself.
    """
    link = getattr(response.raw.connection, "sock", None)
    if link is None:
        link = response.raw
        for name in ("_fp", "fp", "raw", "_sock"):
            link = getattr(link, name, None)
    return link if hasattr(link, "getpeercert") else None


def _answered(name: str, status: int, seconds: float, link: Any, url: str) -> Finding:  # noqa: ANN401
    how = f"by {link.version()}" if link else "without encryption"
    text = f"{masked(url)} answers with status {status} after {seconds:.2f} s, {how}."
    if status >= 500:
        return warning(name, text, "The server has a fault of its own: try again later.")
    if not link and not is_loopback(name):
        return warning(name, text, "Use https: others can read what is sent there.")
    return ok(name, text)


def _certificate(name: str, found: Mapping[str, Any], now: float) -> Finding:
    issuer = {key: value for part in found.get("issuer", ()) for key, value in part}
    who = issuer.get("organizationName") or issuer.get("commonName") or "somebody unnamed"
    end = ssl.cert_time_to_seconds(found["notAfter"])
    day = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d")
    text = f"It is from {who}, and ends on {day}."
    if end - now < DAYS * 86400:
        advice = "Tell the server's owner, or wait: it is usually renewed by itself."
        return warning(f"certificate of {name}", text, advice)
    return ok(f"certificate of {name}", text)


def _trust(case: Case, name: str, url: str) -> Finding:
    stores = Trust(case.settings).stores
    if len(stores) > 1:  # else it is clear by now
        stores = trusted_by(case.settings, url)
    words = ["the system's store" if each.source == SYSTEM else each.source for each in stores]
    return ok(f"trust in {name}", f"It is trusted by {', '.join(words) or 'all together'}.")


def _clock(name: str, ahead: float | None) -> Iterator[Finding]:
    if ahead is None:
        return
    apart = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'}"
    text = f"This machine's clock is {apart} the clock of {name}."
    advice = "Set the clock, or let it be set by a time server: tokens end by it."
    where = f"clock of {name}"
    if abs(ahead) > LATE:
        yield problem(where, text, advice)
    elif abs(ahead) > EARLY:
        yield warning(where, text, advice)
    else:
        yield ok(where, "It says the same as this machine's.")


def _proxy(url: str) -> str:
    """Return the host and port of the proxy for `url`, without its user; empty if there is none."""
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(url, get_environ_proxies(url)) or ""
    return urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[2]
