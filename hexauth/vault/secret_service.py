"""The Secret Service as keyring's own backend speaks to it, without importing keyring (50 ms).

Items are the same: what one of the two has written, the other reads. The connection, and the key
that was agreed on for it, serve for all calls of a process. A person is asked to unlock it once in
a process: who has said no sees no second window, but may have unlocked it elsewhere since.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from hexauth.vault.quick import BUS

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection  # type: ignore[import-untyped]  # ships no types
    from secretstorage import Collection, Item

T = TypeVar("T", "Collection", "Item")

APPLICATION = "Python keyring library"
"""Whom an item says that it belongs to: `appid` in `keyring/backends/SecretService.py`."""


class KeyringLocked(Exception):
    """The person was asked to unlock the keyring, and has not done so."""


class WrongItem(Exception):
    """The service has found another item than it was asked for."""


_declined: set[str | None] = set()
"""The addresses of the buses behind which a person has not unlocked the keyring when asked."""


class SecretService:
    """A backend like `keyring.backends.SecretService.Keyring`, and named like it."""

    def __init__(self) -> None:
        self._collection: Collection | None = None

    def __del__(self) -> None:
        self._hang_up()

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret, or None."""
        with self._items(service, username) as items:
            return next((item.get_secret().decode() for item in items), None)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Create or replace the secret."""
        with self._opened() as collection:
            collection.create_item(
                f"Password for '{username}' on '{service}'",
                {"service": service, "username": username, "application": APPLICATION},
                password.encode(),
                replace=True,
            )

    def delete_password(self, service: str, username: str) -> None:
        """Remove the secret; raises PasswordDeleteError if there is none."""
        with self._items(service, username) as items:
            for item in items:
                item.delete()
                return
        from keyring.errors import PasswordDeleteError  # 50 ms, and nearly always there is one

        raise PasswordDeleteError("No such password!")

    @contextmanager
    def _items(self, service: str, username: str) -> "Iterator[Iterator[Item]]":
        wanted = {"service": service, "username": username}
        with self._opened() as collection:
            yield (_checked(item, wanted) for item in _unlocked(collection.search_items(wanted)))

    @contextmanager
    def _opened(self) -> "Iterator[Collection]":
        """Hand out the default collection, unlocked; after an error, connect anew."""
        from secretstorage import dbus_init

        try:
            if self._collection is None:
                connection = dbus_init()
                try:
                    self._collection = _default_collection(connection)
                except BaseException:
                    connection.close()
                    raise
            yield next(_unlocked(iter([self._collection])))
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        collection, self._collection = self._collection, None
        if collection is not None:
            collection.connection.close()


def _default_collection(connection: "DBusConnection") -> "Collection":
    """Return the default collection, made by the person if there is none."""
    from secretstorage import get_collection_by_alias, get_default_collection
    from secretstorage.exceptions import ItemNotFoundException
    from secretstorage.util import open_session

    collection: Collection | None = None
    for _ in range(2):  # as `bus` does: the first call is ReadAlias, which may be told "none" once
        with suppress(ItemNotFoundException):
            collection = collection or get_collection_by_alias(connection, "default")
    if collection is None:
        with _asking():
            collection = get_default_collection(connection)
    collection.session = open_session(connection)  # not done by itself: 7 ms for each item
    return collection


def _unlocked(found: Iterator[T]) -> Iterator[T]:
    """Yield what was found, each unlocked by the person if need be."""
    for each in found:
        if each.is_locked():
            with _asking():
                each.unlock()
                if each.is_locked():
                    raise KeyringLocked
        else:
            _declined.discard(os.environ.get(BUS))
        yield each


@contextmanager
def _asking() -> Iterator[None]:
    """Ask the person, inside a `with` block; raises `KeyringLocked` if that was in vain before."""
    address = os.environ.get(BUS)
    if address in _declined:
        raise KeyringLocked
    from secretstorage.exceptions import PromptDismissedException

    try:
        yield
    except (KeyringLocked, PromptDismissedException):
        _declined.add(address)
        raise


def _checked(item: "Item", wanted: dict[str, str]) -> "Item":
    """Return `item`, whose attributes must be those that are `wanted`; raises `WrongItem`."""
    if not wanted.items() <= item.get_attributes().items():
        raise WrongItem
    return item
