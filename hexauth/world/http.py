"""HTTP: how long to wait, whom to trust, and how much of an answer to read.

Every answer is read with limits, so that no server can hold up or fill its caller.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from hexauth import __version__
from hexauth.errors import Unreachable
from hexauth.machine.clock import Deadline
from hexauth.world.distrust import fault, is_distrusted
from hexauth.world.settings import Settings
from hexauth.world.told import answered, shown, told
from hexauth.world.trust import Store, Trust
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


def open_session(
    settings: Settings, trust: Trust | None = None, connections: int = 10
) -> "requests.Session":
    """Return a session that names hexauth, and takes no credentials from ~/.netrc.

    Timeouts, certificates and being offline are as `settings` say; proxies come from the
    environment, as requests documents. Its requests raise `UsageError` if the certificates are
    not there, and `Unreachable` if nothing may be sent. Sessions may share a `trust`; each keeps as
    many connections open as it is told.
    """
    import requests  # 110 ms

    trusted = trust or Trust(settings)

    class Session(requests.Session):
        def request(self, method: Any, url: Any, *words: Any, **options: Any) -> requests.Response:  # noqa: ANN401  (requests checks them)
            if settings.offline:
                raise Unreachable(
                    "Nothing may be sent to any server.", hint="Unset HEX_OFFLINE, then try again."
                )
            options.setdefault("timeout", (CONNECT_SECONDS, settings.http_timeout))
            trusted.check()
            with told(f"{method} {shown(url)}", reason) as said:
                response = super().request(method, url, *words, **options)
                said.append(answered(response))
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
    for scheme in ("https://", "http://"):
        session.mount(scheme, trusted.adapter(connections))
    session.headers.update({"User-Agent": f"hexauth/{__version__}", "Accept": "application/json"})
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
        raise unreachable(home, error) from None
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
    )
    return next((words for kind, words in reasons if isinstance(error, kind)), "no answer")


def nonsense(url: str, what: str) -> Unreachable:
    """Return the error that the answer from `url` makes no sense."""
    return Unreachable(f"{split_url(url)[1]} answered nonsense: {what}.")
