"""The folder in memory from which the next `get` is answered, or why there is none."""

import os
from collections.abc import Iterator

from hexauth import hot
from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, warning
from hexauth.memory.folder import is_in_memory


def look(case: Case) -> Iterator[Finding]:
    """Yield which folder it is; where there is none, what is wrong with each that could be."""
    if not case.settings.cache:
        yield ok("folder", "Nothing is kept in memory, as the settings say.")
        return
    if case.platform != "linux":
        yield ok("folder", "There is none on this platform: each `get` reads the vault.")
        return
    reasons = {folder: _why_not(folder) for folder in hot.folders(dict(case.environ))}
    chosen = next((folder for folder, reason in reasons.items() if not reason), None)
    if chosen is None:
        yield warning(
            "folder",
            f"There is none, so that each `get` reads the vault: {'; '.join(reasons.values())}.",
            "Set XDG_RUNTIME_DIR to a folder on a tmpfs that is yours alone.",
        )
        return
    is_made = "" if os.path.lexists(chosen) else ", which is still to be made"
    yield ok("folder", f"{chosen}{is_made}, on a tmpfs.")


def _why_not(folder: str) -> str:
    """Return why hexauth would pass `folder` over, as `memory_folder` does; empty if it takes it.

    It is not made.
    """
    above = folder.rpartition("/")[0]
    try:
        found = os.stat(above)  # noqa: PTH116  (paths here are texts, as in `hot`)
        if found.st_uid != os.getuid() and not found.st_mode & 0o1000:  # the sticky bit
            return f"{above} belongs to another user"
        if os.path.lexists(folder):
            found = os.lstat(folder)
            if found.st_uid != os.getuid() or found.st_mode != 0o040700:
                return f"{folder} is not a folder of yours alone (mode 0700)"
        elif not os.access(above, os.W_OK):
            return f"{above} cannot be written to"
        return "" if is_in_memory(found.st_dev) else f"{folder} is not in memory, but on a disk"
    except OSError as error:
        return f"{above}: {error.strerror}"
