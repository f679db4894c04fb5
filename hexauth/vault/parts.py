"""Long values over several entries, for keyrings that hold little in each.

An entry has a head, and parts in two slots, `a` and `b`. The head is the value itself if that
fits. Otherwise it names a slot, the number of parts and their SHA-256, and the value lies in the
parts. A new value goes into the slot that the head does not name, and the head comes last: a
writer killed at any moment leaves the old value or the new one, never a mixture.

So a head whose parts do not fit its checksum is nobody's torn write: somebody else removed or
changed a part. That is an error and not an absence, because "absent" would let a login be
replaced that is still there.
"""

import hashlib
from contextlib import suppress
from typing import Protocol

from hexauth.errors import VaultError
from hexauth.vault.quick import MARK

WINDOWS_LIMIT = 1280
"""UTF-16 characters in a secret: CRED_MAX_CREDENTIAL_BLOB_SIZE, wincred.h, is 5 * 512 bytes."""

TRIES = 5
"""Reads of an entry that others are replacing, before its parts count as damaged."""


class Store(Protocol):
    """Somewhere to put the head (`part` is empty) and the parts of an entry."""

    def get(self, entry: str, part: str) -> str | None:
        """Return what was put there, or None."""

    def put(self, entry: str, part: str, value: str) -> None:
        """Create or replace."""

    def remove(self, entry: str, part: str) -> None:
        """Remove; what is not there is fine."""


def read(store: Store, entry: str) -> str | None:
    """Return the value of `entry`, or None; raises `VaultError` if its parts are damaged."""
    head = store.get(entry, "")
    for _ in range(TRIES):
        if head is None or not head.startswith(MARK):
            return head
        value = _joined(store, entry, head)
        if value is not None:
            return value
        head, before = store.get(entry, ""), head
        if head == before:
            break
    raise VaultError(
        f"The keyring's entry {entry} is damaged: parts of it are missing or were changed.",
        hint="Remove the entry with your keyring's own program, then run `hexauth login`.",
    )


def write(store: Store, entry: str, value: str, limit: int | None) -> None:
    """Make `value` the value of `entry`, with at most `limit` characters in each part.

    Raises `VaultError` if the store does not give back what was put into it.
    """
    old = store.get(entry, "")
    slot, parts = "", []
    if not value or value.startswith(MARK) or (limit is not None and len(value) > limit):
        slot, parts = ("b" if _slot(old) == "a" else "a"), cut(value, limit or WINDOWS_LIMIT)
    for index, part in enumerate(parts):
        store.put(entry, f"{slot}{index}", part)
    head = _head(slot, len(parts), value) if slot else value
    if slot and _joined(store, entry, head) != value:
        raise _not_kept()
    store.put(entry, "", head)
    kept = store.get(entry, "")
    if kept != head:
        if kept is not None and kept != old:
            store.remove(entry, "")  # cut short by the store: no value is better than a wrong one
        raise _not_kept()
    if limit is not None or slot or _slot(old):
        with suppress(Exception):  # the value is safe; what is left is removed by the next write
            _sweep(store, entry, slot, len(parts))


def delete(store: Store, entry: str, limit: int | None) -> None:
    """Remove `entry` and all of its parts, whole or torn.

    Raises `VaultError` if the store still has it then.
    """
    old = store.get(entry, "")
    if old is not None:
        store.remove(entry, "")
        if store.get(entry, "") is not None:
            raise _not_kept("did not remove what it was told to")
    if limit is not None or _slot(old):
        _sweep(store, entry, "", 0)


def cut(value: str, limit: int) -> list[str]:
    """Cut `value` into pieces of at most `limit` characters; none, if it is empty."""
    return [value[start : start + limit] for start in range(0, len(value), limit)]


def _head(slot: str, count: int, value: str) -> str:
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{MARK}{slot}:{count}:{digest}"


def _slot(head: str | None) -> str:
    """Return the slot that `head` names, or "" if it names none."""
    return head[len(MARK)] if head and head.startswith(MARK) and len(head) > len(MARK) else ""


def _joined(store: Store, entry: str, head: str) -> str | None:
    """Return the value that `head` stands for, or None if the parts do not make it up."""
    _, slot, count, _ = [*head.split(":"), "", "", ""][:4]
    if slot not in {"a", "b"} or not count.isdecimal():
        return None
    parts: list[str] = []
    for index in range(int(count)):
        part = store.get(entry, f"{slot}{index}")
        if part is None:
            return None
        parts.append(part)
    value = "".join(parts)
    return value if _head(slot, len(parts), value) == head else None


def _sweep(store: Store, entry: str, slot: str, count: int) -> None:
    """Remove the parts that are not among the first `count` of `slot`, the last ones first.

    Parts are written upwards and removed downwards, so they are always without a gap, and
    counting up to the first that is missing finds them all.
    """
    for each in ("a", "b"):
        first = end = count if each == slot else 0
        while store.get(entry, f"{each}{end}") is not None:
            end += 1
        for index in reversed(range(first, end)):
            store.remove(entry, f"{each}{index}")


def _not_kept(what: str = "did not keep what was written to it") -> VaultError:
    return VaultError(
        f"The keyring {what}.",
        hint="Choose another keyring, or keep secrets in a file: `--vault file`.",
    )
