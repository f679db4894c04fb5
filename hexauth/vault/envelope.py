"""How entries of a shared vault are sealed: by a key that each passphrase opens.

A key of 256 random bits seals the entries (AES-GCM, NIST SP 800-38D), with the entry's name and
version bound to it, so that no row can stand in for another, or for a later one. The key lies in
the vault, too, once for each passphrase: sealed as the file vault is, by scrypt. So a passphrase is
changed without touching what the hosts are using.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hexauth.errors import VaultError
from hexauth.memory.keys import RememberedKeys
from hexauth.vault.sealed import HOW, Seal, WrongPassphrase

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
"""The first byte of what is sealed; a later one is refused, never overwritten."""

ID_BYTES, NONCE_BYTES, KEY_BYTES = 8, 12, 32

SLOTS = "slot/"
"""What the names of the rows begin with that hold a key, sealed by a passphrase."""

CURRENT = "current-key"
"""The entry that names the key by which new rows are sealed."""

Slots = Callable[[], Iterable[tuple[str, int, bytes]]]
"""Gives the name, version and content of each row that holds a key."""


class Envelope:
    """Seals and opens entries. Everything raises `VaultError`.

    `passphrase` is asked when no key is remembered. `slots` are read then.
    """

    def __init__(
        self, passphrase: Callable[[], bytes | None], remembered: RememberedKeys, slots: Slots
    ) -> None:
        self._seal = Seal(passphrase)
        self._remembered, self._slots = remembered, slots
        self._keys: dict[str, bytes] = {}

    def demand_passphrase(self) -> None:
        """Refuse to go on without a passphrase: others than its users have a database in hand."""
        if not self._seal.wanted:
            raise VaultError("A vault in a database needs a passphrase, and none is set.", hint=HOW)

    def new_key(self) -> str:
        """Make a key, and return its id."""
        key_id = os.urandom(ID_BYTES).hex()
        self._have(key_id, os.urandom(KEY_BYTES))
        return key_id

    def slot(self, key_id: str, seal: Seal | None = None) -> tuple[str, bytes]:
        """Return the name and the content of a new row, of version 1, that holds a key.

        It is sealed by the passphrase of `seal`, if not by the usual one.
        """
        name = f"{SLOTS}{key_id}/{os.urandom(4).hex()}"
        document = (seal or self._seal).close(self._key(key_id), FORMAT, bound(name, 1))
        return name, json.dumps(document).encode()

    def close(self, key_id: str, entry: str, version: int, value: str) -> bytes:
        """Return `value` sealed, as the `version` of `entry`."""
        nonce = os.urandom(NONCE_BYTES)
        head = bytes([FORMAT]) + bytes.fromhex(key_id) + nonce
        content = value.encode("utf-8", "surrogateescape")
        return head + _aes(self._key(key_id)).encrypt(nonce, content, head + bound(entry, version))

    def open(self, entry: str, version: int, sealed: bytes) -> str:
        """Return what was sealed as the `version` of `entry`."""
        from cryptography.exceptions import InvalidTag

        key_id, end = key_of(entry, sealed), 1 + ID_BYTES + NONCE_BYTES
        head, content = sealed[:end], sealed[end:]
        try:
            nonce = head[1 + ID_BYTES :]
            found = _aes(self._key(key_id)).decrypt(nonce, content, head + bound(entry, version))
        except (InvalidTag, ValueError):
            raise VaultError(
                f"The database's {entry} is not what hexauth has put there.",
                hint="Somebody has changed its rows. Have them restored, or log in anew after "
                "`hexauth logout`.",
            ) from None
        return found.decode("utf-8", "surrogateescape")

    def _key(self, key_id: str) -> bytes:
        found = self._keys.get(key_id) or self._remembered.find(key_id)
        if found is None or len(found) != KEY_BYTES:
            found = self._unwrapped(key_id)
        self._have(key_id, found)
        return found

    def _have(self, key_id: str, key: bytes) -> None:
        if self._keys.get(key_id) != key:
            self._keys[key_id] = key
            if self._remembered.find(key_id) != key:
                self._remembered.keep(key_id, key)

    def _unwrapped(self, key_id: str) -> bytes:
        """Return the key of that id, which one of the slots holds."""
        self.demand_passphrase()
        wrong: VaultError | None = None
        for name, version, content in self._slots():
            if not name.startswith(f"{SLOTS}{key_id}/"):
                continue
            try:
                document = json.loads(content)
                if not isinstance(document, dict) or document.get("version") != FORMAT:
                    raise ValueError
            except (ValueError, RecursionError):
                continue
            try:
                return self._seal.open("the vault in the database", document, bound(name, version))
            except WrongPassphrase:
                wrong = VaultError(
                    "The passphrase that is set on this host does not open the database's vault.",
                    hint="Give this host the one that the others have; nothing was changed.",
                )
        raise wrong or VaultError(
            "The database's vault has lost the key that its entries are sealed with.",
            hint="Have the rows of hexauth.entry restored from a backup.",
        )


def key_of(entry: str, sealed: bytes) -> str:
    """Return the id of the key by which something was sealed. Raises `VaultError`."""
    if len(sealed) < 1 + ID_BYTES + NONCE_BYTES + 16 or sealed[0] != FORMAT:
        newer = sealed[:1] > bytes([FORMAT])
        what = "was sealed by a newer hexauth" if newer else "is not what hexauth has put there"
        raise VaultError(
            f"The database's {entry} {what}.",
            hint="Upgrade hexauth on this host." if newer else "Have its rows restored.",
        )
    return sealed[1 : 1 + ID_BYTES].hex()


def bound(entry: str, version: int) -> bytes:
    """Return what a row is bound to beside its content."""
    return json.dumps(["hexauth", entry, version]).encode("ascii")


def _aes(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 20 ms

    return AESGCM(key)
