"""Git's credential-helper protocol: gitcredentials(7) and git-credential(1), as of git 2.52.

Everything is bytes and split at line feeds alone: text mode and `str.splitlines` also split at
other characters, which is how credentials have leaked to other hosts (CVE-2024-52006).
"""

from hexauth.model import Credential, Kind, Target, Value

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as an answer
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hexauth.errors import MalformedRequest

LINE_BYTES = 65535
"""The longest line that git itself reads, without its line feed."""

CAPABILITIES = b"version 0\ncapability authtype\n"
QUIT = b"quit=1\n"
"""Stops git from asking the person itself."""


class Description(Value):
    """What git says of a credential; a field that was not sent is None.

    Texts hold bytes that are not UTF-8 as surrogate escapes (PEP 383).
    """

    HIDDEN = ("password", "credential", "refresh_token")

    target: Target
    password: str | None = None
    authtype: str | None = None
    credential: str | None = None
    expires_at: int | None = None
    """Unix seconds, `password_expiry_utc`."""
    refresh_token: str | None = None
    ephemeral: bool = False
    capabilities: tuple[str, ...] = ()

    @property
    def secret(self) -> str | None:
        """The password, or the pre-encoded credential."""
        return self.credential if self.password is None else self.password


def parse(data: bytes) -> Description:
    """Return what a request says. Raises `MalformedRequest`.

    Lines `key=value` up to an empty line or the end; `key[]=value` adds to a list, and `key[]=`
    empties it. Keys that are not known are ignored.
    """
    single: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for line in _lines(data):
        key, equals, value = line.partition("=")
        if not equals:
            raise _malformed("A line of the request has no `=`.")
        if key == "url":
            single.update(_parts(value))
        elif not key.endswith("[]"):
            single[key] = value
        elif value:
            lists.setdefault(key[:-2], []).append(value)
        else:
            lists[key[:-2]] = []
    return Description(
        target=Target(*(single.get(key) for key in ("protocol", "host", "path", "username"))),
        password=single.get("password"),
        authtype=single.get("authtype"),
        credential=single.get("credential"),
        expires_at=_seconds(single.get("password_expiry_utc")),
        refresh_token=single.get("oauth_refresh_token"),
        ephemeral=single.get("ephemeral", "").lower() in ("1", "true", "yes", "on"),
        capabilities=tuple(lists.get("capability", ())),
    )


def render(credential: Credential, capabilities: "Sequence[str]" = ()) -> bytes:
    """Return git's answer: pre-encoded where git understands that, else user name and password.

    `ephemeral` keeps other helpers from storing a login's own token, which changes by itself.
    Raises `MalformedRequest` for what git's lines cannot hold.
    """
    scheme = credential.authtype or ("Bearer" if credential.kind is Kind.BEARER else None)
    if scheme is not None and "authtype" in capabilities:
        answer = {"capability[]": "authtype", "authtype": scheme, "credential": credential.secret}
        if credential.authtype is None:
            answer["ephemeral"] = "1"
    else:
        answer = {"username": credential.username, "password": credential.secret}
    if credential.expires_at is not None:
        answer["password_expiry_utc"] = str(credential.expires_at)
    if credential.refresh_token is not None:
        answer["oauth_refresh_token"] = credential.refresh_token
    return _render(answer)


def _render(answer: "Mapping[str, str]") -> bytes:
    for value in answer.values():
        if any(character in value for character in "\n\r\0"):
            raise _unspeakable("The credential holds a line feed, which git cannot be told.")
    lines = "".join(f"{key}={value}\n" for key, value in answer.items())
    try:
        return lines.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _unspeakable(
            "The credential holds half a character, which git cannot be told."
        ) from None


def _lines(data: bytes) -> "Sequence[str]":
    lines: list[str] = []
    for line in data.split(b"\n"):
        if len(line) > LINE_BYTES:
            raise _malformed("A line of the request is too long.")
        bare = line.removesuffix(b"\r")
        if not bare:
            break
        if b"\r" in bare or b"\0" in bare:
            raise _malformed("A line of the request holds a CR or NUL character.")
        lines.append(bare.decode("utf-8", "surrogateescape"))
    return lines


def _parts(url: str) -> "Mapping[str, str]":
    """Return the attributes that `url` stands for, as git's `credential_from_url` reads it."""
    protocol, separator, rest = url.partition("://")
    if not separator or not protocol:
        raise _malformed("The request's URL names no protocol.")
    authority = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    path = rest[len(authority) :].strip("/")
    userinfo, at, host = authority.partition("@") if "@" in authority else ("", "", authority)
    user, colon, password = userinfo.partition(":")
    parts = {"protocol": protocol, "host": _unquote(host)}
    if at:
        parts["username"] = _unquote(user)
    if colon:
        parts["password"] = _unquote(password)
    if path:
        parts["path"] = _unquote(path)
    return parts


def _unquote(text: str) -> str:
    from urllib.parse import unquote_to_bytes  # 8 ms, for a request that holds an URL

    found = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    if any(byte in found for byte in b"\n\r\0"):
        raise _malformed("The request's URL holds an encoded line feed.")
    return found.decode("utf-8", "surrogateescape")


def _seconds(value: str | None) -> int | None:
    """Return a time in unix seconds; one that makes no sense counts as not given, as in git."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 12:
        return None
    return int(value) or None


def _malformed(what: str) -> "MalformedRequest":
    from hexauth.errors import MalformedRequest

    return MalformedRequest(what)


def _unspeakable(what: str) -> "MalformedRequest":
    from hexauth.errors import MalformedRequest

    return MalformedRequest(what, hint="Erase it with `hexauth erase`, and store it without that.")
