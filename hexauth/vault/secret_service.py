"""The Secret Service as keyring's own backend speaks to it, without importing keyring (50 ms).

Items are the same: what one of the two has written, the other reads. The connection, and the key
that was agreed on for it, serve for all calls of a process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from secretstorage import Collection, Item

T = TypeVar("T", "Collection", "Item")

APPLICATION = "Python keyring library"
"""Whom an item says that it belongs to: `appid` in `keyring/backends/SecretService.py`."""


class KeyringLocked(Exception):
    """The person was asked to unlock the keyring, and has not done so."""


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
        with self._opened() as collection:
            yield _unlocked(collection.search_items({"service": service, "username": username}))

    @contextmanager
    def _opened(self) -> "Iterator[Collection]":
        """Hand out the default collection, unlocked; after an error, connect anew."""
        from secretstorage import dbus_init, get_default_collection
        from secretstorage.util import open_session

        try:
            if self._collection is None:
                connection = dbus_init()
                try:
                    session = open_session(connection)
                    collection = get_default_collection(connection, session)
                    collection.session = session  # not done by itself: 7 ms for each item
                    self._collection = collection
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


def _unlocked(found: Iterator[T]) -> Iterator[T]:
    """Yield what was found, each unlocked by the person if need be."""
    for each in found:
        if each.is_locked():
            each.unlock()
            if each.is_locked():
                raise KeyringLocked
        yield each
