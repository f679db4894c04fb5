"""The folder of the locks: whose it is, where it is, and whether a lock there holds."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from hexauth.doctor.case import Case, exposed, is_changeable, unmakable
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.machine.mounts import lock_warning
from hexauth.machine.mutex import Mutex
from hexauth.machine.programs import printed

LITTLE, TOO_LITTLE = 50_000_000, 1_000_000
"""So few free bytes are a warning, and a problem: a login takes some thousand."""

SECONDS = 10
"""The longest that another process may take to try a lock; it takes a tenth of one."""

OTHER = """\
import sys
from pathlib import Path
from hexauth.machine.mutex import Mutex
print("held" if Mutex(Path(sys.argv[1])).is_held() else "free")
"""
"""What another process does: it says whether somebody holds a lock."""

ELSEWHERE = "Set HEXAUTH_HOME to a folder that is yours, on a local disk."


def look(case: Case) -> Iterator[Finding]:
    """Yield what is to be said of the folder, and of a lock that was tried in it."""
    folder = case.places.state
    if found := lock_warning(folder):
        yield warning("file system", *found)
    if not folder.exists():
        if why := unmakable(folder):
            yield problem("folder", f"{folder} cannot be made: {why}.", ELSEWHERE)
        else:
            yield ok("folder", f"{folder} is not there yet; the first login makes it.")
        return
    yield room(folder, shutil.disk_usage(folder).free)
    if others := exposed(folder):
        advice = f"Run `chmod 700 {folder}`, or set HEXAUTH_HOME to a folder of your own."
        grave = problem if is_changeable(folder) else warning
        yield grave("folder", f"No lock was tried, as {others}.", advice)
    elif not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield problem("folder", f"{folder} is no folder that you can write to.", ELSEWHERE)
    else:
        yield ok("folder", f"{folder} is yours alone.")
        yield _trial(case, folder)


def room(folder: Path, free: int) -> Finding:
    """Return whether so many free bytes are enough."""
    text = f"{free // 1_000_000} MB are free in {folder}."
    advice = "Free some space on that disk: a token that cannot be saved is lost."
    if free < TOO_LITTLE:
        return problem("space", text, advice)
    return warning("space", text, advice) if free < LITTLE else ok("space", text)


def _trial(case: Case, folder: Path) -> Finding:
    """Hold a lock, and let another process say so; then let it go, and ask again."""
    path = folder / f"doctor-{os.getpid()}.lock"
    try:
        with Mutex(path).held(0):
            during = _seen(case, path)
        after = _seen(case, path)
    finally:
        path.unlink(missing_ok=True)  # nobody else knows of this one
    if (during, after) == ("held", "free"):
        return ok("lock", "It holds against another process, and is free again afterwards.")
    if "" in (during, after):
        return problem("lock", "Another process could not try it.", "Please report it.")
    text = f"Another process found it {during} when it was held, and {after} when it was not."
    return problem("lock", text, ELSEWHERE)


def _seen(case: Case, path: Path) -> str:
    # -P: the current folder may be anybody's, and is not to be imported from.
    words = [sys.executable, "-P", "-c", OTHER, str(path)]
    return printed(words, case.environ, SECONDS, case.platform).decode().strip()
