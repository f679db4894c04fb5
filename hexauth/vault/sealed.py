"""How the file vault is encrypted: AES-256-GCM with a key that scrypt makes from a passphrase."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hexauth.errors import VaultError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CIPHER = "AES-256-GCM"

COST = {"n": 2**15, "r": 8, "p": 3}
"""scrypt's cost (RFC 7914 section 2): 0.15 s and 32 MB. OWASP counts it as strong as n=2**17, p=1,
which takes 128 MB: too much for a hundred processes that start at once."""

MOST = {"n": 2**20, "r": 32, "p": 16}
"""What a file may ask for at most, lest a damaged one take all the time."""

MOST_BYTES = 2**30
"""The memory that a file may ask for at most; scrypt takes 128 * n * r."""

HOW = (
    "Set HEXAUTH_PASSPHRASE or HEXAUTH_PASSPHRASE_FILE, "
    "or name a passphrase_command in config.toml."
)


def is_sealed(document: dict[str, object]) -> bool:
    """Tell whether `document`, the file's outermost JSON object, is encrypted."""
    return "cipher" in document


class WrongPassphrase(VaultError):
    """The passphrase is another one, or what it was to open was changed."""


class Seal:
    """Encrypts and decrypts with one passphrase, which is asked for at most once, when needed.

    The document has the fields `version`, `cipher`, `kdf` (`n`, `r`, `p`, `salt`), `nonce` and
    `content`, binary ones in Base64; all but the content are authenticated with it. A key is made
    once for each salt, and a file keeps its salt, so a process pays for scrypt once.
    """

    def __init__(self, passphrase: Callable[[], bytes | None]) -> None:
        self._ask = passphrase
        self._keys: dict[str, bytes] = {}
        self._kdf: dict[str, object] | None = None

    @property
    def wanted(self) -> bool:
        """Tell whether there is a passphrase; an empty one raises `VaultError`."""
        return self._passphrase is not None

    @cached_property
    def _passphrase(self) -> bytes | None:
        passphrase = self._ask()
        if passphrase == b"":
            raise VaultError("The passphrase of the vault is empty.", hint=HOW)
        return passphrase

    def open(self, path: Path | str, document: dict[str, object], bound: bytes = b"") -> bytes:
        """Return the content of the encrypted `document`; `path` is for messages.

        It must have been closed with the same `bound`.

        Raises `VaultError` if there is no passphrase, it is the wrong one, or the document was
        changed.
        """
        if not self.wanted:
            raise VaultError(f"{path} is encrypted, and no passphrase was given.", hint=HOW)
        from cryptography.exceptions import InvalidTag

        try:
            kdf = document["kdf"]
            if document["cipher"] != CIPHER or not isinstance(kdf, dict):
                raise ValueError
            nonce, content = (b64decode(str(document[field])) for field in ("nonce", "content"))
            found = self._aes(kdf).decrypt(nonce, content, _header(document) + bound)
        except InvalidTag:
            raise WrongPassphrase(
                f"The passphrase does not open {path}, or the file was changed.",
                hint="Give the passphrase it was written with; nothing was overwritten.",
            ) from None
        except (KeyError, TypeError, ValueError, MemoryError):
            raise VaultError(
                f"{path} is damaged: its header makes no sense.",
                hint=f"Nothing was changed. Move {path} away, then run `hexauth login`.",
            ) from None
        self._kdf = kdf
        return found

    def close(self, content: bytes, version: int, bound: bytes = b"") -> dict[str, object]:
        """Return the document that holds `content` encrypted, with the salt last seen.

        What is `bound` to it is authenticated with it, and not in it.
        """
        kdf = self._kdf or {"name": "scrypt", **COST, "salt": _text(os.urandom(16))}
        self._kdf = kdf
        nonce = os.urandom(12)
        document: dict[str, object] = {
            "version": version,
            "cipher": CIPHER,
            "kdf": kdf,
            "nonce": _text(nonce),
        }
        sealed = self._aes(kdf).encrypt(nonce, content, _header(document) + bound)
        return document | {"content": _text(sealed)}

    def _aes(self, kdf: dict[str, object]) -> "AESGCM":
        """Return the cipher for the key that `kdf` describes; raises KeyError, ValueError."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 26 ms, both together
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        name = json.dumps(kdf, sort_keys=True)
        if name not in self._keys:
            cost = {field: int(str(kdf[field])) for field in COST}
            if kdf["name"] != "scrypt" or any(not 0 < cost[f] <= MOST[f] for f in MOST):
                raise ValueError
            if 128 * cost["n"] * cost["r"] > MOST_BYTES:
                raise ValueError
            salt = b64decode(str(kdf["salt"]))
            self._keys[name] = Scrypt(salt, 32, **cost).derive(self._passphrase or b"")
        return AESGCM(self._keys[name])


def _header(document: dict[str, object]) -> bytes:
    """Return the bytes that are authenticated besides the content: all the other fields."""
    fields = {name: value for name, value in document.items() if name != "content"}
    return json.dumps(fields, sort_keys=True).encode("ascii")


def _text(content: bytes) -> str:
    return b64encode(content).decode("ascii")
