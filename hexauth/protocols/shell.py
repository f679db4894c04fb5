"""What `hexauth get TARGET --format F` prints for shells and scripts: one line, one line feed."""

from hexauth.errors import HexauthError
from hexauth.lean_json import dumps
from hexauth.model import Credential

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as an answer
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def token(credential: Credential) -> str:
    """Return the bare secret."""
    return credential.secret


def header(credential: Credential) -> str:
    """Return a header line, for `curl -H @file`."""
    return f"Authorization: {credential.authorization}"


def as_json(credential: Credential) -> str:
    """Return one JSON object; `expires_at` is in unix seconds, and null if it is unknown."""
    target = credential.target
    return dumps(
        {
            "protocol": target.protocol,
            "host": target.host,
            "path": target.path,
            "username": credential.username,
            "token": credential.secret,
            "token_type": credential.authtype or str(credential.kind),
            "expires_at": credential.expires_at,
            "scope": credential.scope,
            "source": credential.source,
        }
    )


def env(credential: Credential) -> str:
    """Return a POSIX shell command that exports `HEX_API_KEY`, for `eval`.

    Mix and rebar3 send the variable as the `Authorization` header.
    """
    return f"export HEX_API_KEY={_quoted(credential.authorization)}"


def curl(credential: Credential) -> str:
    r"""Return a line for `curl --config -`, in which `\` and `"` are escaped (curl(1))."""
    value = header(credential).replace("\\", "\\\\").replace('"', '\\"')
    return f'header = "{value}"'


FORMATS: "Mapping[str, Callable[[Credential], str]]" = {
    "token": token,
    "header": header,
    "json": as_json,
    "env": env,
    "curl": curl,
}


VALUES: "Mapping[str, Callable[[Credential], str]]" = {
    "token": token,
    "authorization": lambda credential: credential.authorization,
    "header": header,
    "username": lambda credential: credential.username,
    "json": as_json,
}
"""What one variable of a program's environment can hold."""


def value(credential: Credential, name: str) -> str:
    """Return the value called `name` in `VALUES`.

    Raises `HexauthError` for a secret that no environment can hold.
    """
    text = VALUES[name](credential)
    if "\0" in text:
        raise HexauthError(
            "The credential holds a NUL character, which no variable can.",
            hint="Erase it with `hexauth erase`, and store it without that.",
        )
    return text


def render(credential: Credential, name: str) -> bytes:
    """Return `credential` in the format `name`, ended by one line feed.

    Raises `HexauthError` for a secret that would break the line.
    """
    text = FORMATS[name](credential)
    if any(character in text for character in "\n\r\0"):
        raise HexauthError(
            f"The credential holds a line feed, which the format {name} cannot express.",
            hint="Ask for --format json.",
        )
    try:
        return (text + "\n").encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise HexauthError(
            "The credential holds half a character.",
            hint="Erase it with `hexauth erase`, and store it as UTF-8.",
        ) from None


def _quoted(text: str) -> str:
    """Return `text` in single quotes always, so that a reader sees where it begins and ends.

    Elsewhere it is as `shlex.quote` has it, which takes 5 ms to import.
    """
    return "'" + text.replace("'", "'\"'\"'") + "'"
