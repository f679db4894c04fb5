"""HTTP: how long to wait, whom to trust, and how much of an answer to read.

Every answer is read with limits, so that no server can hold up or fill its caller.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from hexauth import __version__
from hexauth.errors import Unreachable, UsageError
from hexauth.machine import trace
from hexauth.machine.clock import Deadline
from hexauth.world.settings import Settings
from hexauth.world.urls import origin, split_url

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
"""An answer that trickles in for longer than this is given up."""
BODY_BYTES = 1024 * 1024
REDIRECTS = 3
USUAL_HEADERS = {"User-Agent", "Accept", "Accept-Encoding", "Connection", "Proxy-Authorization"}
"""What any server may see of a request that another one has sent on; the last is for a proxy."""


def open_session(settings: Settings) -> "requests.Session":
    """Return a session that names hexauth, and takes no credentials from ~/.netrc.

    Timeouts, certificates and being offline are as `settings` say; proxies come from the
    environment, as requests documents. Its requests raise `UsageError` if the certificates are
    not there, and `Unreachable` if nothing may be sent.
    """
    import requests  # 110 ms

    class Session(requests.Session):
        def request(self, method: Any, url: Any, *words: Any, **options: Any) -> requests.Response:  # noqa: ANN401  (requests checks them)
            if settings.offline:
                raise Unreachable(
                    "Nothing may be sent to any server.", hint="Unset HEX_OFFLINE, then try again."
                )
            options.setdefault("timeout", (CONNECT_SECONDS, settings.http_timeout))
            # Given here, as requests lets its own variables win over `Session.verify`.
            options.setdefault("verify", _certificates(settings))
            with _told(f"{method} {_shown(url)}") as said:
                response = super().request(method, url, *words, **options)
                said.append(_answered(response))
            return response

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            """Return where `resp` leads, if it does. Raises `Unreachable` if that is nowhere."""
            found = super().get_redirect_target(resp)
            if found is not None and not leads_to(str(resp.url), found)[1]:
                raise nonsense(str(resp.url), "it leads to an address that is none")
            return found

        def rebuild_auth(
            self, prepared_request: requests.PreparedRequest, response: requests.Response
        ) -> None:
            """Follow `response`, and bring what was asked with to no other origin.

            requests itself would keep some headers, and look into ~/.netrc once more.
            """
            here = origin(*split_url(response.url))
            if here == origin(*split_url(str(prepared_request.url))):
                return
            if prepared_request.body:
                raise Unreachable(f"{here} sends its callers elsewhere, which is refused.")
            for name in {*prepared_request.headers} - USUAL_HEADERS:
                del prepared_request.headers[name]

    session = Session()
    session.headers.update({"User-Agent": f"hexauth/{__version__}", "Accept": "application/json"})
    session.auth = lambda request: request  # an auth that adds nothing keeps netrc out
    if settings.unsafe_https:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


def _shown(url: str) -> str:
    """Return `url` as it is told: without user info, query, or a local proxy's secret."""
    return re.sub(r"/[0-9a-f]{64}(?=/|$)|(?<=//)[^/@]*@|[?#].*", "/…", url)


@contextmanager
def _told(what: str) -> Iterator[list[str]]:
    """Tell of the request `what`, and what the block has said of its answer."""
    taken, said = trace.stopwatch(), list[str]()
    try:
        yield said
    except Exception as error:
        said.append(reason(error))
        raise
    finally:
        trace.tell(f"{what}: {', '.join(said) or 'given up'} ({taken()})")


def _answered(response: "requests.Response") -> str:
    """Say which status came, of what length and kind, and how far apart the clocks are.

    Nothing is repeated as it came: a server could send back a secret.
    """
    headers = response.headers
    said = [str(response.status_code)]
    if (length := headers.get("Content-Length", "")).isdecimal():
        said.append(f"{int(length[:15])} bytes")
    kind = headers.get("Content-Type", "").partition(";")[0]
    said += [kind] if kind in KINDS else []
    ahead = clock_ahead(headers)
    said += [] if ahead is None else [f"its clock {ahead:+.0f} s"]
    return ", ".join(said)


KINDS = ("application/json", "application/vnd.hex+json", "application/vnd.hex+erlang", "text/html")
"""The kinds of content that are told."""


def clock_ahead(headers: Mapping[str, str]) -> float | None:
    """Return by how many seconds a server's clock is ahead of ours, or None if it does not say."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
    except (KeyError, ValueError, OverflowError):
        return None


def _certificates(settings: Settings) -> str | bool:
    if settings.unsafe_https:
        return False
    if not settings.cacerts_path:
        return True
    path = Path(settings.cacerts_path)
    if not path.exists():
        raise UsageError(
            f"There are no certificates at {path}.",
            hint=f"Correct {settings.sources['cacerts_path']}, or unset it.",
        )
    return str(path)


def send(
    session: "requests.Session",
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    authorization: str | None = None,
) -> tuple[int, str, bytes]:
    """Send a request; return the status, the content type and the body of the answer.

    Raises `Unreachable`, also for an answer that is too long or takes too long, and for one that
    leads to another origin, or nowhere.
    """
    import requests

    headers = {"Authorization": authorization} if authorization else {}
    home = origin(*split_url(url))
    try:
        for _ in range(REDIRECTS + 1):
            with session.request(
                method,
                url,
                data=form,
                headers=headers,
                allow_redirects=False,
                stream=True,
            ) as response:
                if not response.is_redirect:
                    kind = response.headers.get("Content-Type", "")
                    return response.status_code, kind, _body(response, url)
                url, there = leads_to(url, response.headers["location"])
                if there != home or response.status_code not in (307, 308):
                    raise Unreachable(f"{home} sends its callers elsewhere, which is refused.")
    except requests.RequestException as error:
        raise Unreachable(f"{home} cannot be reached: {reason(error)}.") from None
    except ValueError:  # urllib's word for it
        raise Unreachable(f"{home} sends its callers to what is no address.") from None
    raise Unreachable(f"{home} redirects without end.")


def leads_to(url: str, location: str) -> tuple[str, str]:
    """Return the URL that `location` is, seen from `url`, and its origin; empty if it is none."""
    try:
        goal = urljoin(url, location)
        return goal, origin(*split_url(goal))
    except ValueError:
        return "", ""


def _body(response: "requests.Response", url: str) -> bytes:
    end = Deadline(ANSWER_SECONDS)
    body = b""
    for chunk in response.iter_content(16384):
        body += chunk
        if len(body) > BODY_BYTES:
            raise nonsense(url, "an answer without end")
        if end.is_over():
            raise nonsense(url, "an answer that does not end")
    return body


def reason(error: Exception) -> str:
    """Return why a request failed in plain words; a library's own text may hold the body or URL."""
    import requests

    reasons: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, "the proxy does not let it through"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.ConnectTimeout, "no connection in time"),
        (requests.exceptions.Timeout, "no answer in time"),
        (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
        (requests.exceptions.ContentDecodingError, "the answer is garbled"),
        (requests.exceptions.ConnectionError, "no connection"),
    )
    return next((words for kind, words in reasons if isinstance(error, kind)), "no answer")


def nonsense(url: str, what: str) -> Unreachable:
    """Return the error that the answer from `url` makes no sense."""
    return Unreachable(f"{split_url(url)[1]} answered nonsense: {what}.")
