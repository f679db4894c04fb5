"""The protocol of docker-credential-helpers: JSON, and error texts that clients compare.

The action is the program's one argument, its subject comes on standard input. Errors go to standard
output, with exit code 1.
"""

from hexauth import __version__
from hexauth.errors import MalformedRequest
from hexauth.lean_json import dumps, loads

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as an answer
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hexauth.model import Credential

NOT_FOUND = "credentials not found in native keychain"
NO_SERVER = "no credentials server URL"
NO_USERNAME = "no credentials username"

VERSION = f"docker-credential-hexauth (hexauth) {__version__}"


def parse_server(data: bytes) -> str:
    """Return the server that `get` and `erase` are about, as the client wrote it.

    Raises `MalformedRequest`.
    """
    return _server(_decoded(data))


def parse_credential(data: bytes) -> tuple[str, str, str]:
    """Return the server, user name and secret of a `store`. Raises `MalformedRequest`."""
    try:
        found = loads(_decoded(data))
    except (ValueError, RecursionError):
        raise _refusal("the request is not JSON") from None
    if not isinstance(found, dict):
        raise _refusal("the request is no JSON object")
    fields = [found.get(key, "") for key in ("ServerURL", "Username", "Secret")]
    if not all(isinstance(field, str) for field in fields):
        raise _refusal("a field of the request is no text")
    server, username, secret = fields
    if "\0" in username + secret:
        raise _refusal("the credential holds a NUL character")
    return _server(server), _checked(username, NO_USERNAME), secret


def render(server: str, credential: "Credential") -> bytes:
    """Return the answer to `get`; `server` is what the client has asked for."""
    answer = {
        "ServerURL": server,
        "Username": credential.username,
        "Secret": credential.secret,
    }
    return _line(answer)


def render_list(users: "Mapping[str, str]") -> bytes:
    """Return the answer to `list`: each server with its user name."""
    return _line(users)


def _line(answer: "Mapping[str, str]") -> bytes:
    return dumps(answer).encode() + b"\n"


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _refusal("the request is not UTF-8") from None


def _server(text: str) -> str:
    """Return the server in `text`; of what `str.strip` takes away, some makes another name."""
    return _checked(text.strip(" \t\r\n"), NO_SERVER)


def _checked(text: str, missing: str) -> str:
    """Return `text`, which must be there and have no control characters."""
    if not text:
        raise _refusal(missing)
    if not text.isprintable():
        raise _refusal("the request holds control characters")
    return text


def _refusal(text: str) -> MalformedRequest:
    return MalformedRequest(text, hint="")
