"""HTTP: how long to wait, whom to trust, and how much of an answer to read.

Every answer is read with limits, so that no server can hold up or fill its caller.
"""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from hexauth import __version__
from hexauth.errors import Unreachable
from hexauth.machine.clock import Deadline
from hexauth.world.distrust import fault, is_distrusted
from hexauth.world.settings import Settings
from hexauth.world.told import masked, told
from hexauth.world.trust import Store, Trust
from hexauth.world.urls import is_web_url, origin, split_url

if TYPE_CHECKING:
    import requests

    from hexauth.world.wire import Whole

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
"""The longest that a request may take, from connecting to the last byte of its answer."""
BODY_BYTES = 1024 * 1024
SKIP_BYTES = 64 * 1024
"""How much of a body that nobody wants is read, so that its connection can be used again."""
REDIRECTS = 3
USUAL_HEADERS = {"User-Agent", "Accept", "Accept-Encoding", "Connection", "Proxy-Authorization"}
"""What any server may see of a request that another one has sent on; the last is for a proxy."""


def open_session(
    settings: Settings,
    trust: Trust | None = None,
    connections: int = 10,
    answers: "type[Whole] | None" = None,
) -> "requests.Session":
    """Return a session that names hexauth, and takes no credentials from ~/.netrc.

    Timeouts, certificates and being offline are as `settings` say; proxies come from the
    environment, as requests documents. An answer has to be whole after `wire.PAUSES` of the longest
    pauses; cookies are forgotten. Its requests raise `UsageError` if the certificates are not
    there, and `Unreachable` if nothing may be sent. Sessions may share a `trust`; each keeps as
    many connections open as it is told. `answers` are another kind of `wire.Whole`.
    """
    import requests  # 110 ms

    from hexauth.world import wire

    trusted = trust or Trust(settings)

    class Session(requests.Session):
        answer_seconds = min(ANSWER_SECONDS, wire.PAUSES * settings.http_timeout)

        def request(self, method: Any, url: Any, *words: Any, **options: Any) -> requests.Response:  # noqa: ANN401  (requests checks them)
            if settings.offline:
                raise Unreachable(
                    "Nothing may be sent to any server.",
                    hint="Unset HEX_OFFLINE (or --offline, or offline in config.toml), then try "
                    "again.",
                )
            options.setdefault("timeout", (CONNECT_SECONDS, settings.http_timeout))
            trusted.check()
            send = partial(super().request, method, url, *words, **options)
            return told(f"{method} {masked(url)}", reason, send)

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            """Return where `resp` leads, if it does. Raises `Unreachable` if that is nowhere."""
            try:
                found = super().get_redirect_target(resp)
            except UnicodeDecodeError:  # requests lets that through
                found = ""
            if found is not None and not leads_to(str(resp.url), found)[1]:
                raise nonsense(str(resp.url), "it leads to an address that is none")
            if found is not None:
                skip(resp)  # requests would read all of it
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
                raise astray(here, "elsewhere, which is refused")
            for name in {*prepared_request.headers} - USUAL_HEADERS:
                del prepared_request.headers[name]

    session = Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, wire.bound(trusted.adapter(connections), answers or wire.Whole))
    session.max_redirects = REDIRECTS
    session.headers.update(
        {
            "User-Agent": f"hexauth/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",  # what `body` decodes
        }
    )
    session.auth = lambda request: request  # an auth that adds nothing keeps netrc out
    if settings.unsafe_https:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


def send(
    session: "requests.Session",
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    authorization: str | None = None,
) -> tuple[int, str, bytes]:
    """Send a request; return the status, the content type and the body of the answer.

    All of it, redirects included, is over after the session's `answer_seconds`. Raises
    `Unreachable`, also for an answer that is too long or takes too long, and for one that leads to
    another origin, or nowhere.
    """
    import requests

    from hexauth.world import wire

    home = origin(*split_url(url))
    try:
        with wire.over_by(Deadline(getattr(session, "answer_seconds", ANSWER_SECONDS))):
            return _exchange(session, method, url, form, authorization)
    except requests.RequestException as error:
        raise unreachable(home, error) from None
    except ValueError:  # urllib's word for it
        raise astray(home, "to what is no address") from None


def _exchange(
    session: "requests.Session",
    method: str,
    url: str,
    form: dict[str, str] | None,
    authorization: str | None,
) -> tuple[int, str, bytes]:
    headers = {"Authorization": authorization} if authorization else {}
    home = origin(*split_url(url))
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
                return response.status_code, kind, body(response)
            goal = near(url, response.headers["location"])
            if goal is None or response.status_code not in (307, 308):
                raise astray(home, "elsewhere, which is refused")
            url = goal
    raise astray(home, "round and round")


def leads_to(url: str, location: str) -> tuple[str, str]:
    """Return the URL that `location` is, seen from `url`, and its origin; empty if it is none."""
    try:
        goal = urljoin(url, location)
        return goal, origin(*split_url(goal))
    except ValueError:
        return "", ""


def near(url: str, location: str) -> str | None:
    """Return where an answer from `url` leads; None if that is not at the same origin."""
    goal, there = leads_to(url, location)
    return goal if there == origin(*split_url(url)) and is_web_url(goal) else None


def body(response: "requests.Response", limit: int = BODY_BYTES) -> bytes:
    """Return the body of an answer that was asked for as a stream; it is never longer than `limit`.

    Raises `Unreachable` for one that is, or that is coded in another way than gzip, and requests'
    own errors for one that breaks off.
    """
    from requests.exceptions import ChunkedEncodingError, ReadTimeout
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    found = bytearray()
    try:
        for chunk in response.raw.stream(16384, decode_content=False):
            found += chunk
            if len(found) > limit:
                raise nonsense(response.url, "an answer without end")
    except ReadTimeoutError:
        raise ReadTimeout from None
    except HTTPError:
        raise ChunkedEncodingError from None
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if not found or coding in ("", "identity"):
        return bytes(found)
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise nonsense(response.url, "it is coded in a way that nobody asked for")
    return _unzipped(response.url, found, limit)


def _unzipped(url: str, found: bytearray, limit: int) -> bytes:
    """Return what gzip has made `found` of; no more than `limit` of it is ever in memory."""
    import zlib

    unzip = zlib.decompressobj(zlib.MAX_WBITS + 32)
    try:
        plain = unzip.decompress(found, limit + 1)
    except zlib.error:
        raise nonsense(url, "it is garbled") from None
    if len(plain) > limit:
        raise nonsense(url, "an answer without end")
    if not unzip.eof:
        raise nonsense(url, "half an answer")
    return plain


def skip(response: "requests.Response") -> None:
    """Be done with an answer whose body nobody wants, without reading much of it."""
    from urllib3.exceptions import HTTPError

    with suppress(HTTPError, OSError):
        response.raw.read(SKIP_BYTES, decode_content=False)
    response.close()


def trusted_by(settings: Settings, url: str) -> tuple[Store, ...]:
    """Return the stores that would each be enough to trust the server at `url`.

    It is asked for `url` once for each store, without any credential. Raises `Unreachable` for what
    has nothing to do with its certificate, and `UsageError` as `Trust` does.
    """
    import requests

    found = []
    for store in Trust(settings).stores:
        try:
            with open_session(settings, Trust(settings, (store,))) as session:
                session.head(url, allow_redirects=False)
        except requests.RequestException as error:
            if not is_distrusted(error):
                raise unreachable(url, error) from None
        else:
            found.append(store)
    return tuple(found)


def unreachable(server: str, error: Exception) -> Unreachable:
    """Return the error that a request to `server` failed with `error`, and what to do about it."""
    found = fault(error)
    message = f"{server} cannot be reached: {reason(error)}."
    return Unreachable(message, hint=None if found is None else found.advice)


def reason(error: Exception) -> str:
    """Return why a request failed in plain words; a library's own text may hold the body or URL."""
    import requests

    if found := fault(error):
        return found.what
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ConnectTimeout, "no connection in time"),
        (requests.exceptions.Timeout, "no answer in time"),
        (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
        (requests.exceptions.ContentDecodingError, "the answer is garbled"),
        (requests.exceptions.ConnectionError, "no connection"),
        (requests.exceptions.TooManyRedirects, "it redirects without end"),
    )
    return next((words for kind, words in reasons if isinstance(error, kind)), "no answer")


def astray(server: str, where: str) -> Unreachable:
    """Return the error that `server` redirects to `where`, in words."""
    return Unreachable(
        f"{server} sends its callers {where}.",
        hint="Check its address; if that is right, whoever runs the server has to mend it.",
    )


def nonsense(url: str, what: str, kind: type[Unreachable] = Unreachable) -> Unreachable:
    """Return the error, of that kind, that the answer from `url` makes no sense."""
    return kind(f"{split_url(url)[1]} answered nonsense: {what}.")
