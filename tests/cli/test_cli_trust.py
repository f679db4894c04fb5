"""Files and folders that hexauth trusts: whose they are, what they are, and who can change them."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hexauth.login.tokens import Tokens
from hexauth.machine.private import MOST_BYTES
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, private_mounts
from tests.homes import home, log_in

Make = Callable[[Sandbox], Machine]

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")

SOMEBODY = 12345


def _give_away(path: Path) -> None:
    os.chown(path, SOMEBODY, -1)


def _as_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def _as_hard_link(path: Path) -> None:
    path.with_name("elsewhere").hardlink_to(path)


def _as_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(0o700)


def _as_device(path: Path) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))


def _as_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


WRONGS: dict[str, Callable[[Path], object]] = {
    "owner": _give_away,
    "writable": lambda path: path.chmod(0o666),
    "readable": lambda path: path.chmod(0o644),
    "link": _as_link,
    "hard link": _as_hard_link,
    "FIFO": _as_fifo,
    "folder": _as_folder,
    "device": _as_device,
    "dangling": _as_dangling_link,
    "large": lambda path: os.truncate(path, MOST_BYTES + 1),
    "foreign": lambda path: path.write_bytes(b'{"hello": "world"}'),
    "torn": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
}

ROOTS = ("owner", "device")
"""What only root can do."""

FILES: dict[str, tuple[str, int, str]] = {
    "vault": ("hexauth/vault/vault.json", 7, "hard link"),
    "index": ("hexauth/state/index.json", 7, "hard link, readable, foreign, torn, empty, binary"),
    "token mutex": (
        "hexauth/state/*.token.lock",
        7,
        "hard link, readable, large, foreign, torn, empty, binary",
    ),
    "records": ("hexauth/state/*.login.json", 0, ""),
    "note": ("hexauth/state/front/*,note", 0, ""),
    "config.toml": ("hexauth/config.toml", 2, "link, hard link, readable, empty"),
    "passphrase": ("secrets/passphrase", 7, "link, hard link, readable, large"),
    "journal": ("memory/hexauth/unsaved-*", 0, ""),
}
"""Where each is; how `get` ends if it is not as it has to be; and what does not matter to it.

What can be had again is not looked at then, and made anew; what cannot is named.
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(Options(rate_limit=None)) as sandbox:
        yield sandbox


@pytest.fixture
def here(server: Sandbox, machine: Make, memory: str) -> Machine:
    """Make a machine that has every file that is trusted; what is in memory is no way in."""
    found = machine(server)
    found.environ["XDG_RUNTIME_DIR"] = memory
    (found.home / "memory").symlink_to(memory)
    for name in ("hexauth", "secrets"):
        (found.home / name).mkdir(mode=0o700)
    (found.home / "secrets/passphrase").write_text("correct horse\n")
    (found.home / "secrets/passphrase").chmod(0o600)
    (found.home / "hexauth/config.toml").write_text("cache = false\n")
    inside = home(found.home / "hexauth", found.environ)
    try:
        with Tokens(inside, inside.settings.login).changing():  # which makes the mutex
            log_in(inside, server)
    finally:
        inside.close()
    return found


def _fill(here: Machine) -> None:
    """Make the files that a login alone does not."""
    mutex = next((here.home / "hexauth/state").glob("*.token.lock"))
    for path in (mutex.with_name(mutex.name.replace("token.lock", "login.json")), mutex):
        path.write_text('{"state": "done", "attempt": 1}')
        path.chmod(0o600)
    folder = here.home / "memory/hexauth"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "unsaved-0123456789abcdef01234567").write_text("hexauth 1\n")


ROWS = [
    pytest.param(file, wrong, marks=[only_root] if wrong in ROOTS else [])
    for file in FILES
    for wrong in WRONGS
    if (file, wrong) != ("passphrase", "FIFO")  # which is waited for
]


@pytest.mark.parametrize(("file", "wrong"), ROWS)
def test_file_that_is_not_as_it_has_to_be_is_named_or_made_anew(
    here: Machine, file: str, wrong: str
) -> None:
    """Nothing is lost by it, and nothing hangs."""
    pattern, code, harmless = FILES[file]
    if file == "passphrase":
        here.environ["HEXAUTH_PASSPHRASE_FILE"] = str(here.home / pattern)
        request = b"protocol=https\nhost=git.test\nusername=a\npassword=b\n\n"
        assert here.hexauth("store", give=request).returncode == 0  # which encrypts the vault
    elif file == "note":
        here.token()  # which makes it
    _fill(here)
    path = next(here.home.glob(pattern))
    shutil.copytree(path.parent, here.home / "before", symlinks=True)
    WRONGS[wrong](path)

    done = here.hexauth("get", "hexpm", "--format", "token", "--no-login")

    expected = 0 if wrong in harmless.split(", ") else code
    assert (done.returncode, done.stdout != b"") == (expected, expected == 0), done.stderr
    named = [
        name for name in (path, here.home / FILES["vault"][0]) if f"{name}" in f"{done.stderr!r}"
    ]
    assert (named != []) == (expected != 0), done.stderr
    assert len(done.stderr.splitlines()) == (2 if expected else 0)
    _put_back(here.home / "before", path.parent)
    assert here.token() != ""


def _put_back(before: Path, folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(before, folder, symlinks=True, dirs_exist_ok=True)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
@pytest.mark.parametrize("folder", ["vault", "state"])
def test_nobody_is_asked_where_others_can_write_to_a_folder(
    serve: Serve, machine: Make, folder: str, mode: int
) -> None:
    """A login that cannot be saved is worse than none; and what is there may have been planted."""
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    path = here.home / "hexauth" / folder
    path.mkdir(parents=True)
    path.chmod(mode)

    done = here.hexauth("login", "--no-browser")

    assert (done.returncode, sandbox.journal.counts()["device_authorization"]) == (7, 0)
    assert done.stderr.decode().splitlines() == [
        f"hexauth: {path} is open to other users (mode {mode:04o}).",
        f"hexauth: Run `chmod 700 {path}`; if others may have read it, log in anew.",
    ]


@only_root
@pytest.mark.parametrize("folder", ["vault", "state"])
def test_folder_of_another_user_is_refused(serve: Serve, machine: Make, folder: str) -> None:
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    path = here.home / "hexauth" / folder
    path.mkdir(parents=True, mode=0o700)
    os.chown(path, SOMEBODY, -1)

    done = here.hexauth("login", "--no-browser")

    assert (done.returncode, sandbox.journal.counts()["device_authorization"]) == (7, 0)
    assert f"{path} belongs to another user (uid {SOMEBODY})".encode() in done.stderr


@pytest.mark.parametrize("umask", ["000", "002", "022", "177"])
def test_folders_are_made_for_the_user_alone_whatever_the_umask(
    serve: Serve, machine: Make, umask: str
) -> None:
    """Those above, too: whoever can write there can put another folder in its place."""
    here = machine(serve(approve_after=0))
    here.environ["HEXAUTH_HOME"] = str(here.home / "above/hexauth")

    done = here.run("sh", "-c", f"umask {umask}; exec hexauth login --no-browser")

    assert done.returncode == 0, done.stderr
    folders = [here.home / "above", *(here.home / "above").rglob("*")]
    assert {oct(path.stat().st_mode & 0o777) for path in folders if path.is_dir()} == {"0o700"}
    assert {oct(path.stat().st_mode & 0o777) for path in folders if path.is_file()} == {"0o600"}


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711])
def test_folder_that_others_can_only_read_is_closed_to_them(
    serve: Serve, logged_in: Make, mode: int
) -> None:
    """Older versions made what was missing above a folder as the umask had it."""
    here = logged_in(serve(approve_after=0))
    folders = [here.home / "hexauth" / name for name in ("state", "vault")]
    for folder in folders:
        folder.chmod(mode)

    done = here.hexauth("login", "--force", "--no-browser")

    assert (done.returncode, {folder.stat().st_mode & 0o777 for folder in folders}) == (0, {0o700})


def test_nobody_is_asked_where_the_index_cannot_be_written(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    index = here.home / "hexauth/state/index.json"
    index.unlink()
    index.mkdir()

    done = here.hexauth("login", "--force", "--no-browser")

    assert (done.returncode, sandbox.journal.counts()["device_authorization"]) == (7, 1)
    assert f"{index} is not a regular file".encode() in done.stderr


MOUNTS = {
    "full": 'mount -t tmpfs -o size=64k,mode=700 none "$HEXAUTH_HOME" && cp -a saved/. '
    '"$HEXAUTH_HOME" && { cat /dev/zero > "$HEXAUTH_HOME/zero" 2>&-; true; }',
    "read-only": 'mount --bind saved "$HEXAUTH_HOME" && mount -o remount,bind,ro "$HEXAUTH_HOME"',
    "bound": "cp saved/vault/vault.json bound && chmod 600 bound && "
    'mount --bind bound "$HEXAUTH_HOME/vault/vault.json"',
}


@pytest.mark.parametrize("kind", MOUNTS)
def test_nobody_is_asked_where_nothing_can_be_saved(
    serve: Serve, logged_in: Make, kind: str
) -> None:
    """A real file system is full, or cannot be written to, or a file's name is bound to it."""
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    token = here.token()
    shutil.copytree(here.home / "hexauth", here.home / "saved")
    get = "hexauth get hexpm --format token --no-login"
    script = f"{MOUNTS[kind]} && {{ hexauth login --force --no-browser; echo $?; {get}; }}"

    done = here.run(*private_mounts(), "sh", "-c", script)

    assert done.stdout.decode().split() == ["7", token], done.stderr
    assert sandbox.journal.counts()["device_authorization"] == 1
    said = done.stderr.decode()
    assert f"{here.home}/hexauth/" in said, said
