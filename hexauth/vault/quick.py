"""Reads an entry with few imports, where nothing is out of the ordinary.

The index tells which vault an entry is in; a plain file is read here, the Secret Service by
`vault.bus`. What takes more than reading is left to the vaults themselves.
"""

import os

from hexauth import hot

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than the reading
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AUTO = "auto"
"""The index's entry for the vault that `auto` has chosen, so that it never wanders silently."""

NAMES = ("keyring", "file")

POSTGRES = "postgresql"
"""The vault that other machines share; its setting is an address."""

USER = "hexauth"
"""The user name of every entry in a keyring: never empty, as Windows drops those (keyring#763)."""

MARK = "hexauth-parts:"
"""What the head of a value begins with that lies in parts."""

RUN_USER = "/run/user"
"""Where systemd keeps a folder for each user who is logged in (pam_systemd(8))."""

BUS = "DBUS_SESSION_BUS_ADDRESS"

FILE_VERSION = 1
"""The version of the file vault's layout; a file of a later one is refused, never overwritten."""


class Unusual(Exception):
    """What only the vaults themselves can deal with, or explain; so is `bus.Unusual`."""


def entries(content: bytes) -> "dict[str, dict[str, str]]":
    """Return what an index holds, each entry's name with its facts; {} if it is no index."""
    from hexauth.lean_json import loads

    try:
        found = loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: facts for name, facts in found.items() if _are_facts(facts)}


def _are_facts(found: object) -> bool:
    return isinstance(found, dict) and all(map(_is_text, found.values()))


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode("utf-8", "surrogateescape") is not None
    except UnicodeEncodeError:
        return False


def noted(index: "Mapping[str, Mapping[str, str]]", entry: str) -> tuple[str, str] | None:
    """Return the vault that `entry` is in, or will be, and the entry of `index` that says so."""
    for each in (entry, AUTO):
        if (name := index.get(each, {}).get("vault")) in NAMES:
            return str(name), each
    return None


def drawer(protocol: str, host: str) -> str:
    """Return the name of the drawer for a protocol and host, as printable ASCII.

    A protocol's own colons are escaped, so that no other protocol and host have the same name.
    """
    text = f"{protocol.replace('%', '%25').replace(':', '%3A')}://{host}"
    if text.isascii() and text.isprintable() and "\\" not in text:
        return f"drawer/{text}"  # as below, without the import of a codec
    return "drawer/" + text.encode("utf-8", "surrogateescape").decode("latin-1").encode(
        "unicode_escape"
    ).decode("ascii")


def from_file(path: str, names: "Sequence[str]") -> "list[str | None]":
    """Return the values of the entries `names` in the file vault at `path`. Raises `Unusual`.

    It must be plain, and ours alone in a folder that others cannot write to.
    """
    from hexauth.lean_json import loads

    folder = path.rpartition("/")[0]
    found = hot.read(path)
    if not found:
        if os.path.lexists(path):
            raise Unusual(path)
        return [None for _ in names]
    around = os.stat(folder)  # noqa: PTH116  (pathlib takes 5 ms)
    if around.st_uid != os.getuid() or around.st_mode & 0o022:
        raise Unusual(folder)
    try:
        document = loads(b"\n".join(found))
        is_plain = document["version"] == FILE_VERSION and "cipher" not in document
        values = document["entries"] if is_plain else None
    except (ValueError, KeyError, TypeError, RecursionError):
        values = None
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise Unusual(path)
    return [values.get(name) for name in names]


class Keyring:
    """The Secret Service on the bus at `path`, asked for entries while `mutex` is held.

    It sets out when this is made, and goes on by itself; all of it ends after `seconds`. Everything
    raises `Unusual` or `bus.Unusual`.
    """

    def __init__(
        self, path: str, mutex: str, seconds: int, namespace: str, names: "Sequence[str]"
    ) -> None:
        from hexauth.vault.bus import secrets

        self._steps = secrets(path, [service(namespace, name) for name in names], USER, seconds)
        self._descriptor = _locked(mutex, seconds)
        self._found: list[str | None] | None = None
        try:
            self.go_on()
        except BaseException:
            self.close()  # this very process may need the mutex for the longer way
            raise

    def go_on(self) -> None:
        """Let it go on, which takes a moment if it has had time since it was last told to."""
        if self._found is None:
            self._found = next(self._steps)

    def read(self) -> "list[str | None]":
        """Return the values of the entries."""
        while self._found is None:
            self._found = next(self._steps)
        if any(value is not None and value.startswith(MARK) for value in self._found):
            raise Unusual("a value lies in parts")
        return self._found

    def close(self) -> None:
        """Hang up, and let the next one have the keyring."""
        self._steps.close()
        os.close(self._descriptor)


def _locked(path: str, seconds: float) -> int:
    """Return the open file that holds the lock at `path`."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        from hexauth.machine.flock import lock_within  # only who has to wait needs it

        if not lock_within(descriptor, seconds):
            raise Unusual(path) from None
    return descriptor


def service(namespace: str, entry: str, part: str = "") -> str:
    """Return the service under which a keyring has `entry`, or a part of it."""
    return f"{namespace}#{part}/{entry}" if part else f"{namespace}/{entry}"


def socket_path(environ: "Mapping[str, str]") -> str | None:
    """Return the socket of the D-Bus session whose Secret Service keyring would take.

    None wherever that takes more to find out; "Server Addresses" of the D-Bus Specification.
    """
    address = bus_address(environ) or ""
    path, _, more = address.removeprefix("unix:path=").partition(",")
    if not address.startswith("unix:path=/") or any(each in address for each in ";%"):
        return None
    if more and not more.startswith("guid="):
        return None
    is_sandboxed = os.path.lexists("/.flatpak-info")
    return None if is_sandboxed or is_for_keyring_to_say(environ) else path


def bus_address(environ: "Mapping[str, str]", folder: str | None = None) -> str | None:
    """Return the address of the user's D-Bus session, or None if there is none.

    Under ssh and cron nobody names it, but systemd puts every user's bus at /run/user/UID/bus
    (pam_systemd(8)), and a login made on the desktop has to be found there too.
    """
    if environ.get(BUS):
        return environ[BUS]
    path = f"{folder or RUN_USER}/{os.getuid()}/bus"
    try:
        found = os.lstat(path)
    except OSError:
        return None
    is_socket = found.st_mode & 0o170000 == 0o140000
    return f"unix:path={path}" if is_socket and found.st_uid == os.getuid() else None


def is_for_keyring_to_say(environ: "Mapping[str, str]") -> bool:
    """Tell whether only keyring knows what it would take.

    Under KDE it weighs KWallet against the Secret Service (its `kwallet.py`), and variables can
    set properties of a backend, such as another collection (its `backend.py`).
    """
    is_kde = "KDE" in environ.get("XDG_CURRENT_DESKTOP", "").split(":")
    return is_kde or any(name.startswith("KEYRING_PROPERTY_") for name in environ)
