"""HTTP: how long to wait, whom to trust, and how much of an answer to read.

Every answer is read with limits, so that no server can hold up or fill its caller.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from hexauth import __version__
from hexauth.errors import Unreachable, UsageError
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


def open_session(settings: Settings) -> "requests.Session":
    """Return a session that names hexauth, and takes no credentials from ~/.netrc.

    Timeouts, certificates and being offline are as `settings` say; proxies come from the
    environment, as requests documents. Its requests raise `UsageError` if the certificates are
    not there, and `Unreachable` if nothing may be sent.
    """
    import requests  # 110 ms

    class Session(requests.Session):
        def request(self, *words: Any, **options: Any) -> requests.Response:  # noqa: ANN401  (requests checks them)
            if settings.offline:
                raise Unreachable(
                    "Nothing may be sent to any server.", hint="Unset HEX_OFFLINE, then try again."
                )
            options.setdefault("timeout", (CONNECT_SECONDS, settings.http_timeout))
            # Given here, as requests lets its own variables win over `Session.verify`.
            options.setdefault("verify", _certificates(settings))
            return super().request(*words, **options)

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            try:
                return super().get_redirect_target(resp)
            except UnicodeDecodeError:  # requests lets that through
                raise requests.exceptions.InvalidHeader("Location") from None

    session = Session()
    session.headers.update({"User-Agent": f"hexauth/{__version__}", "Accept": "application/json"})
    session.auth = lambda request: request  # an auth that adds nothing keeps netrc out
    if settings.unsafe_https:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session


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
    leads to another origin.
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
                url = urljoin(url, response.headers["location"])
                if origin(*split_url(url)) != home or response.status_code not in (307, 308):
                    raise Unreachable(f"{home} sends its callers elsewhere, which is refused.")
    except (requests.RequestException, ValueError) as error:  # an address or a body of nonsense
        raise Unreachable(f"{home} cannot be reached: {reason(error)}.") from None
    raise Unreachable(f"{home} redirects without end.")


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
