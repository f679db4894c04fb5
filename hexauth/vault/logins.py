"""A login inside a vault: two entries, because a Windows keyring holds 1,280 characters in each.

`login/NAME/refresh` holds the refresh token. `login/NAME/access` holds the access token, with what
was said of it and the fingerprint of the refresh token it came with. A process may die between
the two writes: an access token whose fingerprint does not match came before the refresh token on
file, so the server has ended it, and it is not answered.
"""

from hexauth.errors import Outrun, VaultError
from hexauth.lean_json import dumps, loads
from hexauth.machine.digest import sha256
from hexauth.model import Kind, Token, is_plain

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as an answer
if TYPE_CHECKING:
    from typing import TypeVar

    from hexauth.model import Login
    from hexauth.vault.contract import Vault

    TOKEN = TypeVar("TOKEN", Token, Token | None)

FIELDS = ("access", "expires_at", "scope", "issued_at")
"""What is kept as it is; None for an access token makes no sense."""


def load_login(vault: "Vault", login: "Login") -> Token | None:
    """Return the token of `login`, or None if there is none. Raises `VaultError`."""
    access, refresh = _names(login)
    refresh_token = vault.read(refresh)
    text = vault.read(access)
    try:
        return _moved(parse(text, refresh_token), -vault.ahead())
    except (ValueError, KeyError, TypeError, RecursionError):
        raise VaultError(
            f"What the {vault.name} vault says of {name(login)} is not hexauth's.",
            hint="Try again. If it stays so, run `hexauth logout` to remove it, and log in anew.",
        ) from None


def parse(text: str | None, refresh_token: str | None) -> Token | None:
    """Return the token that the values of a login's two entries are, or None if there is none.

    Raises ValueError, KeyError, TypeError and RecursionError for what hexauth does not write.
    """
    if refresh_token is not None and not is_plain(refresh_token):
        raise ValueError  # its server would end the login for it
    found = {} if text is None else loads(text)
    if text is None or found["fingerprint"] != fingerprint(refresh_token):
        return None if refresh_token is None else Token(access=None, refresh=refresh_token)
    if not isinstance(found["access"], str) or not is_plain(found["access"]):
        raise ValueError
    facts = {key: found[key] for key in FIELDS}
    return Token(**facts, refresh=refresh_token, kind=Kind(found["kind"])).checked()


def save_login(vault: "Vault", login: "Login", token: Token, *, spent: str | None = None) -> None:
    """Make `token` the token of `login`; the refresh token first, as it cannot be had again.

    One that is not replaced goes last, so that until then it still is a login. `spent` is the
    fingerprint of the refresh token that it takes the place of, empty if there was none: if another
    one is there by now, somebody has saved a newer token. Raises `Outrun` then, and `VaultError`.
    """
    access, refresh = _names(login)
    with vault.at_once():
        on_file = vault.read(refresh)
        if spent is not None and not _is_next(vault, login, on_file, token, spent):
            raise Outrun("Another host has saved a newer token.", hint="It is the one in use now.")
        if token.refresh is not None and on_file != token.refresh:
            vault.write(refresh, token.refresh)
        if token.access is None:
            vault.delete(access)
        else:
            if vault.is_shared:
                vault.read(access)  # whichever is there is of the refresh token that was spent
            vault.write(access, _said(_moved(token, vault.ahead())))
        if token.refresh is None:
            vault.delete(refresh)


def _is_next(vault: "Vault", login: "Login", on_file: str | None, token: Token, spent: str) -> bool:
    """Tell whether `token`, got for what was `spent`, is newer than the refresh token `on_file`."""
    if not vault.is_shared or fingerprint(on_file) in (spent, fingerprint(token.refresh)):
        return True
    return on_file is None and vault.read(_given_up(login)) == spent


def drop_login(vault: "Vault", login: "Login", given_up: str = "") -> None:
    """Remove both entries of `login`. Raises `VaultError`.

    `given_up` is the fingerprint of a refresh token that its server has not taken: another host
    may have spent it, stood still ever since, and still save what it got.
    """
    with vault.at_once():
        for entry in _names(login):
            vault.delete(entry)
        if given_up and vault.is_shared:
            vault.read(_given_up(login))
            vault.write(_given_up(login), given_up)
        elif vault.is_shared:
            vault.delete(_given_up(login))


def name(login: "Login") -> str:
    """Return what the names of a login's two entries begin with; the index knows it by that."""
    return f"login/{login.name}"


def _given_up(login: "Login") -> str:
    """Return the entry that says which refresh token was given up, in a vault that hosts share."""
    return f"{name(login)}/given-up"


def _names(login: "Login") -> tuple[str, str]:
    return f"{name(login)}/access", f"{name(login)}/refresh"


def _moved(token: "TOKEN", seconds: float) -> "TOKEN":
    """Return `token` with its times by a clock that is so many seconds ahead of the one before."""
    if token is None or not seconds:
        return token
    times = {"issued_at": token.issued_at, "expires_at": token.expires_at}
    return token.replaced(**{n: max(0, t + int(seconds)) for n, t in times.items() if t})


def _said(token: Token) -> str:
    return dumps(
        {
            "access": token.access,
            "expires_at": token.expires_at,
            "scope": token.scope,
            "issued_at": token.issued_at,
            "kind": str(token.kind),
            "fingerprint": fingerprint(token.refresh),
        }
    )


def fingerprint(refresh_token: str | None) -> str:
    """Return what tells a refresh token from others, and nothing of it; empty if there is none."""
    return "" if refresh_token is None else sha256(refresh_token.encode())[:16]
