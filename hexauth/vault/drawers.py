"""What other tools stored: one drawer, an entry of the vault, for each protocol and host.

A drawer is a JSON list, the oldest first. A keyring can only be asked for an entry by name, so
the request's protocol and host name the drawer, and the rest is matched inside it.
"""

from hexauth.lean_json import dumps, loads
from hexauth.model import Credential, Target, Value
from hexauth.vault.quick import drawer

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as an answer
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hexauth.vault.contract import Vault


class Stored(Value):
    """A credential that a tool stored; texts may hold surrogate escapes (PEP 383)."""

    HIDDEN = ("secret", "refresh_token")

    path: str | None
    username: str | None
    secret: str
    authtype: str | None = None
    """Git's `authtype`, such as `Bearer`; None for a password."""
    expires_at: int | None = None
    """Unix seconds, git's `password_expiry_utc`."""
    refresh_token: str | None = None
    """Git's `oauth_refresh_token`, which belongs to the tool that stored it."""


def matches(stored: Stored, request: Target) -> bool:
    """Tell whether `stored` answers `request`: an absent field matches anything.

    As gitcredentials(7) says; protocol and host have chosen the drawer already.
    """
    return request.path in (None, stored.path) and request.username in (None, stored.username)


def hear_nothing(_text: str | None) -> None:
    """Keep nothing of a drawer's content."""


def find(
    vault: "Vault",
    request: Target,
    now: float,
    *,
    authtype: bool = True,
    hear: "Callable[[str | None], object]" = hear_nothing,
) -> Stored | None:
    """Return what `choose` does of the drawer in `vault`; `hear` is given its whole content.

    Raises `VaultError`.
    """
    return choose(_load(vault, request, hear), request, now, authtype=authtype)


def choose(
    content: "Sequence[Stored]", request: Target, now: float, *, authtype: bool = True
) -> Stored | None:
    """Return the last stored credential that answers `request` and has not expired, or None.

    `authtype` tells whether the caller understands other schemes than Basic.
    """
    for stored in reversed(content):
        alive = stored.expires_at is None or stored.expires_at > now
        if matches(stored, request) and alive and (authtype or stored.authtype is None):
            return stored
    return None


def credential(stored: Stored, request: Target) -> Credential:
    """Return what is handed out for `stored`, which answers `request`."""
    return Credential(
        target=Target(request.protocol, request.host, stored.path, stored.username),
        username=stored.username or "",
        secret=stored.secret,
        expires_at=stored.expires_at,
        source="store",
        authtype=stored.authtype,
        refresh_token=stored.refresh_token,
    )


def put(vault: "Vault", request: Target, stored: Stored, *, alone: bool = False) -> None:
    """Store a credential in place of the one with the same path and user name, expiry included.

    If it is to be `alone`, it takes the place of all.
    """
    rest = (
        []
        if alone
        else [
            other
            for other in _load(vault, request)
            if (other.path, other.username) != (stored.path, stored.username)
        ]
    )
    _save(vault, request, [*rest, stored])


def take(vault: "Vault", request: Target, secret: str | None) -> bool:
    """Remove every credential that answers `request`; with `secret`, only those that equal it.

    Returns whether the drawer still holds anything.
    """
    before = _load(vault, request)
    after = [
        stored
        for stored in before
        if not matches(stored, request) or (secret is not None and stored.secret != secret)
    ]
    if after != before:
        _save(vault, request, after)
    return bool(after)


def name(request: Target) -> str:
    """Return the name of the drawer for a request's protocol and host, as printable ASCII."""
    return drawer(str(request.protocol), str(request.host))


def parse(text: str | None) -> list[Stored]:
    """Return what the vault's entry `text` holds. Raises ValueError, TypeError, RecursionError."""
    found = [] if text is None else loads(text)
    if not isinstance(found, list):
        raise TypeError
    return [Stored(**item).checked() for item in found]


def _load(
    vault: "Vault",
    request: Target,
    hear: "Callable[[str | None], object]" = hear_nothing,
) -> list[Stored]:
    text = vault.read(name(request))
    try:
        found = parse(text)
        hear(text)
        return found
    except (ValueError, TypeError, RecursionError):
        from hexauth.errors import VaultError

        raise VaultError(
            f"The entry {name(request)} in the {vault.name} vault is not hexauth's.",
            hint="Remove it: with the keyring's own program, or from the file.",
        ) from None


def _save(vault: "Vault", request: Target, content: "Sequence[Stored]") -> None:
    if content:
        vault.write(name(request), dumps([vars(stored) for stored in content]))
    else:
        vault.delete(name(request))
