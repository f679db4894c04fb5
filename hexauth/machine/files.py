"""Writing files and folders that are the user's alone, whole or not at all."""

import os

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than an answer
if TYPE_CHECKING:
    from pathlib import Path

BINARY: int = getattr(os, "O_BINARY", 0)
"""Keeps Windows from changing line feeds."""

NO_SYNC = ("EINVAL", "ENOTSUP", "EACCES", "EBADF")
"""How systems say that they cannot make a folder last, which is not to say that it did not work."""


def make_folder(folder: "Path | str") -> None:
    """Make `folder` if it is missing, and what is missing above it, each with mode 0700.

    That is so whatever the umask is (the XDG base directory specification asks for it, too); what
    is there already stays as it is. Raises OSError.
    """
    folder = os.fspath(folder)
    try:
        os.mkdir(folder, 0o700)  # noqa: PTH102  (pathlib takes 5 ms)
    except FileExistsError:
        return
    except FileNotFoundError:
        above = os.path.dirname(folder)  # noqa: PTH120
        if above in (folder, ""):
            raise
        make_folder(above)
        make_folder(folder)
        return
    if os.stat(folder).st_mode & 0o700 != 0o700:  # noqa: PTH116  (the umask has taken some of it)
        os.chmod(folder, 0o700)  # noqa: PTH101


def write_private(
    path: "Path | str",
    content: bytes,
    mode: int = 0o600,
    *,
    within: int | None = None,
    lasting: bool = False,
) -> None:
    """Replace the file `path` by `content`: readers see the old or the new one, whole.

    It is the user's alone until it is there, and then has `mode`. `within` is the open folder that
    `path` is the name of a file in, where there are such (openat(2)). One that is `lasting`
    outlives a power cut: its name in the folder, too, has reached the disk. Raises OSError.
    """
    # Without tempfile and pathlib, which take 8 ms each; nobody else can write to the folder.
    folder, name = os.path.split(path)
    unique = f"{temporaries(name)}{os.getpid()}-{os.urandom(4).hex()}"
    temporary = os.path.join(folder, unique)  # noqa: PTH118
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
    descriptor = os.open(temporary, flags, 0o600, dir_fd=within)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            if hasattr(os, "fchmod"):  # whatever the umask is
                os.fchmod(descriptor, mode)
        os.replace(temporary, path, src_dir_fd=within, dst_dir_fd=within)
    except BaseException as error:
        if isinstance(error, OSError):  # those of write(2) and fsync(2) name none
            error.filename = os.fspath(path)
        try:  # noqa: SIM105  (contextlib takes 2 ms)
            os.unlink(temporary, dir_fd=within)
        except OSError:
            pass
        raise
    if lasting and os.name == "posix":
        _sync(folder, within)


def temporaries(name: str) -> str:
    """Return what the names of the files begin with that are to replace the one called `name`."""
    return f".{name.removeprefix('.')[:100]}."


def sweep(path: "Path | str", *, within: int | None = None) -> None:
    """Remove what writers of the file `path` have left that were killed. Raises OSError.

    Whoever calls this holds the mutex of that file: nobody else writes it.
    """
    folder, name = os.path.split(path)
    for each in os.listdir(folder if within is None else within):  # noqa: PTH208
        if each.startswith(temporaries(name)):
            os.unlink(os.path.join(folder, each), dir_fd=within)  # noqa: PTH118


def _sync(folder: str, within: int | None) -> None:
    """Make a rename in `folder` last. Raises OSError."""
    import errno  # built in

    descriptor = os.open(folder, os.O_RDONLY) if within is None else within
    try:
        os.fsync(descriptor)
    except OSError as error:
        if errno.errorcode.get(error.errno or 0) not in NO_SYNC:
            error.filename = folder
            raise
    finally:
        if within is None:
            os.close(descriptor)
