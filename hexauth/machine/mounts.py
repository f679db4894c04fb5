"""Which file system a folder is on, as far as that matters to a lock: Linux alone tells."""

import os
from contextlib import suppress
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "sshfs", "s3fs", "smb2", "smb3", "smbfs",
}  # fmt: skip
"""The types of file systems that other machines can change, too; those of FUSE by what follows."""


def file_system(folder: str, mounts: str) -> str:
    """Return the type of the file system that `folder` is on, such as `ext4` or `fuse.sshfs`.

    `folder` is absolute and without links; `mounts` is the text of /proc/PID/mountinfo (proc(5)).
    The last of those mounted at the longest matching place counts; nothing if there is none.
    """
    longest, found = 0, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields, facts = left.split(" "), right.split(" ")
        if len(fields) < 5:
            continue
        place = _unescaped(fields[4])
        is_below = f"{folder}/".startswith(place.rstrip("/") + "/")
        if is_below and len(place) >= longest:
            longest, found = len(place), facts[0]
    return found


def _unescaped(text: str) -> str:
    """Return a field of mountinfo without its escapes, which stand for blanks and the like."""
    for code in ("040", "011", "012", "134"):  # the backslash itself comes last
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text


def network_file_system(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the network's file system that `folder` is on, or will be; else None.

    None, too, where nothing tells. `mounts` is where the kernel lists what is mounted.
    """
    with suppress(OSError):
        text = mounts.read_text("utf-8", "surrogateescape")
        kind = file_system(os.path.realpath(folder), text)
        return kind if kind.removeprefix("fuse.") in NETWORK else None
    return None


def lock_warning(folder: Path) -> tuple[str, str] | None:
    """Say what it means for locks that `folder` is on a network, and what to do; None if it is not.

    What flock(2) promises there depends on the server and on both kernels (nfs(5), mount.cifs(8)).
    """
    kind = network_file_system(folder)
    if kind is None:
        return None
    return (
        f"{folder} is on a network's file system ({kind}), whose locks may not hold between "
        "machines: two that renew one login at once end it.",
        "If several machines share it, set HEXAUTH_HOME to a folder of its own on each.",
    )
