"""The credential-helper protocol of Bazel and others, as EngFlow's credential-helper-spec has it.

One JSON object comes on standard input, one goes out; what is not known is tolerated.
"""

from time import gmtime, strftime

from hexauth.errors import MalformedRequest
from hexauth.lean_json import dumps, loads

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as an answer
if TYPE_CHECKING:
    from hexauth.model import Credential

HINT = 'Send {"uri": "https://..."}, as the credential-helper specification says.'


def parse(data: bytes) -> str:
    """Return the URI of a request. Raises `MalformedRequest`."""
    try:
        found = loads(data)
    except (ValueError, RecursionError):
        raise MalformedRequest("The request is not JSON.", hint=HINT) from None
    uri = found.get("uri") if isinstance(found, dict) else None
    if not isinstance(uri, str) or not uri:
        raise MalformedRequest("The request names no URI.", hint=HINT)
    return uri


def render(credential: "Credential | None", margin: float = 0) -> bytes:
    """Return the answer: the header to send, if any, and when to ask again.

    That is `margin` seconds before the credential ends (RFC 3339). Raises `MalformedRequest` for
    what a header cannot hold.
    """
    answer: dict[str, object] = {"headers": {}}
    if credential is not None:
        value = credential.authorization
        if not value.isprintable():
            raise MalformedRequest(
                "The credential holds characters that no header can.",
                hint="Erase it with `hexauth erase`, and store it without them.",
            )
        answer["headers"] = {"Authorization": [value]}
        if credential.expires_at is not None:
            end = gmtime(credential.expires_at - margin)
            answer["expires"] = strftime("%Y-%m-%dT%H:%M:%SZ", end)
    return dumps(answer).encode() + b"\n"
