"""What tools have stored, kept in memory for some seconds, if a person wants that.

The setting `cache_stored` says for how long: from the reading on, as git's credential-cache does,
however often it is asked. A file beside the mutexes, the drawer's own, grows by a byte at every
change, so that what was read before ends at once, in whichever session's memory it lies.
"""

import os
import time

from hexauth import hot

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than an answer
if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = b"drawer "
"""What stands before the drawer's content."""

NAME_BYTES = 255
"""The longest name that a file may have (NAME_MAX)."""


class Kept:
    """The drawer `drawer`, in memory for `seconds` in the surroundings of that name.

    `config` is the path of config.toml, `state` that of the state folder.
    """

    def __init__(
        self,
        surroundings: str,
        drawer: str,
        seconds: int,
        config: str,
        state: str,
        environ: "Mapping[str, str]",
    ) -> None:
        self._name = f"{surroundings},{hot.quoted(drawer)}"
        self._seconds = seconds if len(os.fsencode(self._name)) <= NAME_BYTES else 0
        self._config, self._environ = config, environ
        self._changes, self._stamp = changes(state, drawer), b"-"

    def read(self) -> str | None:
        """Return what the drawer holds, if it is here and not out of date.

        Otherwise the caller may go on to the vault, and `write` what is there.
        """
        if not self._seconds:
            return None
        lines = hot.first(self._name, dict(self._environ))
        try:
            if hot.is_live(lines) and lines[9:] and lines[9].startswith(TEXT):
                return lines[9][len(TEXT) :].decode("ascii")
        except ValueError:  # damaged: as good as absent
            pass
        self._stamp = _stamp(self._changes)
        return None

    def write(self, text: str | None) -> None:
        """Keep `text`, which was read in the vault after `read`; losing it costs time alone."""
        if self._stamp == b"-" or text is None:
            return
        from hexauth.machine.files import write_private
        from hexauth.memory.folder import memory_folder, prune

        now = int(time.time())
        config = os.fsencode(self._config)
        head = [hot.VERSION, config, hot.stamp(config), os.fsencode(self._changes), b"", b""]
        times = [b"%d" % now, b"%d" % (now + self._seconds - 1)]
        lines = [*head, self._stamp, *times, TEXT + text.encode("ascii")]
        folder = memory_folder(self._environ)
        if folder is None or any(b"\n" in line for line in lines):
            return
        try:
            write_private(f"{folder}/{self._name}", b"\n".join(lines))
            prune(folder)
        except OSError:
            return


def changes(state: str, drawer: str) -> str:
    """Return the file in the state folder that grows whenever the drawer is changed."""
    return f"{state}/kept/{hot.quoted(drawer)}"


def _stamp(path: str) -> bytes:
    """Return the stamp of the file at `path`, which is made if need be; `-` if it cannot be."""
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            from hexauth.machine.files import make_folder  # once in a home's life

            make_folder(path.rpartition("/")[0])
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return b"-"
    os.close(descriptor)
    return hot.stamp(path)


def outdate(state: str, drawer: str) -> None:
    """End what is in memory of `drawer`, before and after it is changed. Raises `VaultError`."""
    from hexauth.memory import folder

    folder.outdate(changes(state, drawer))
