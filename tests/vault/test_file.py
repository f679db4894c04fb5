"""The file vault: what it lets in, what it refuses, and what it never loses."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.errors import VaultError
from hexauth.machine.mutex import Mutex
from hexauth.vault.file import FileVault

PASSPHRASE = b"correct horse"


def written(folder: Path, passphrase: bytes | None = None) -> FileVault:
    """Return a vault that holds `entry`."""
    vault = FileVault(folder, passphrase=lambda: passphrase)
    vault.write("entry", "s3cret")
    return vault


def refusal(work: Callable[[], object]) -> str:
    """Return what the error says, with its hint."""
    with pytest.raises(VaultError) as caught:
        work()
    return f"{caught.value} {caught.value.hint}"


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in [folder, *folder.iterdir()]}


def test_file_and_folder_are_the_users_alone(tmp_path: Path) -> None:
    """Nothing is readable by others, whatever the umask, and nothing temporary stays."""
    written(tmp_path / "vault")

    assert modes(tmp_path / "vault") == {
        "vault": "0o700",
        "vault.json": "0o600",
        "vault.lock": "0o600",
    }


def test_reading_creates_nothing(tmp_path: Path) -> None:
    """A missing file is an empty vault, and stays missing."""
    vault = FileVault(tmp_path / "vault")
    vault.read("entry")
    vault.delete("entry")
    vault.describe()

    assert list(tmp_path.iterdir()) == []


def test_check_leaves_only_the_lock(tmp_path: Path) -> None:
    """The probe is gone again."""
    FileVault(tmp_path / "vault").check()

    assert [path.name for path in (tmp_path / "vault").iterdir()] == ["vault.lock"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Somebody may have read or planted it; the message says what to do."""
    vault = written(tmp_path / "vault")
    vault.path.chmod(mode)

    assert f"chmod 600 {vault.path}" in refusal(lambda: vault.read("entry"))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    """Who can write a folder can replace the files in it."""
    vault = written(tmp_path / "vault")
    vault.path.parent.chmod(mode)

    assert f"chmod 700 {vault.path.parent}" in refusal(lambda: vault.read("entry"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """A file somebody else owns was not written by this user."""
    vault = written(tmp_path / "vault")
    os.chown(vault.path, 12345, -1)

    assert "belongs to another user (uid 12345)" in refusal(lambda: vault.read("entry"))


def plant_symlink(path: Path) -> None:
    path.rename(path.with_name("elsewhere.json"))
    path.symlink_to(path.with_name("elsewhere.json"))


def plant_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def plant_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(0o700)


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (plant_symlink, "is a symbolic link"),
        (plant_fifo, "is not a regular file"),
        (plant_folder, "is not a regular file"),
    ],
)
@pytest.mark.parametrize("method", ["read", "write", "delete", "check"])
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, plant: Callable[[Path], None], words: str, method: str
) -> None:
    """Links may lead anywhere, and opening a FIFO would wait for ever."""
    vault = written(tmp_path / "vault")
    plant(vault.path)
    work = {
        "read": lambda: vault.read("entry"),
        "write": lambda: vault.write("entry", "new"),
        "delete": lambda: vault.delete("entry"),
        "check": vault.check,
    }

    assert words in refusal(work[method])


def _costs(**kdf: object) -> str:
    """Return an encrypted file whose key takes that much."""
    kdf = {"name": "scrypt", "r": 8, "p": 1, "salt": "", **kdf}
    return json.dumps(
        {"version": 1, "cipher": "AES-256-GCM", "kdf": kdf, "nonce": "", "content": ""}
    )


TORN = {
    "empty": "",
    "cut off": '{"version": 1, "entries": {"a": "b',
    "not an object": "[]",
    "not text": "\udcff\udcfe",
    "no entries": '{"version": 1}',
    "entries that are not text": '{"version": 1, "entries": {"a": 1}}',
    "a later version": '{"version": 2, "entries": {}}',
    "a strange cipher": '{"version": 1, "cipher": "rot13", "kdf": {}}',
    "no header": '{"version": 1, "cipher": "AES-256-GCM"}',
    "costs beyond reason": _costs(n=2**40),
    "more memory than there is": _costs(n=2**20, r=32),
    "nested too deeply": "[" * 100_000,
}


@pytest.mark.parametrize("content", TORN.values(), ids=TORN)
def test_file_that_makes_no_sense_is_never_overwritten(tmp_path: Path, content: str) -> None:
    """Whatever it was, a person may still need it."""
    vault = written(tmp_path / "vault", PASSPHRASE)
    vault.path.write_bytes(content.encode("utf-8", "surrogateescape"))

    refusal(lambda: vault.write("entry", "new"))

    assert vault.path.read_bytes() == content.encode("utf-8", "surrogateescape")


def test_encrypted_file_shows_neither_names_nor_secrets(tmp_path: Path) -> None:
    """Entries' names tell whom somebody works with."""
    content = written(tmp_path / "vault", PASSPHRASE).path.read_text()

    assert [word for word in ("s3cret", "entry") if word in content] == []


def test_wrong_passphrase_is_refused(tmp_path: Path) -> None:
    """It says so, and does not take the file for an empty one."""
    written(tmp_path, PASSPHRASE)

    message = refusal(lambda: FileVault(tmp_path, passphrase=lambda: b"wrong").read("entry"))

    assert "The passphrase does not open" in message


def test_encrypted_file_without_passphrase_names_the_ways_to_give_one(tmp_path: Path) -> None:
    """The hint holds all three."""
    written(tmp_path, PASSPHRASE)

    message = refusal(lambda: FileVault(tmp_path).read("entry"))

    assert "HEXAUTH_PASSPHRASE or HEXAUTH_PASSPHRASE_FILE, or name a passphrase_command" in message


def test_empty_passphrase_is_refused(tmp_path: Path) -> None:
    """It would look like protection and be none."""
    vault = FileVault(tmp_path, passphrase=lambda: b"")

    assert "passphrase of the vault is empty" in refusal(lambda: vault.write("entry", "value"))


def test_plain_file_is_encrypted_at_the_next_write(tmp_path: Path) -> None:
    """Setting a passphrase later loses nothing."""
    written(tmp_path)
    vault = FileVault(tmp_path, passphrase=lambda: PASSPHRASE)
    before = vault.read("entry")
    vault.write("another", "value")

    assert [before, vault.read("entry"), "s3cret" in vault.path.read_text()] == [
        "s3cret",
        "s3cret",
        False,
    ]


@pytest.mark.parametrize("field", ["version", "cipher", "kdf", "nonce", "content", "extra"])
def test_changed_header_or_content_is_noticed(tmp_path: Path, field: str) -> None:
    """All of the header is authenticated together with the content."""
    vault = written(tmp_path, PASSPHRASE)
    document = json.loads(vault.path.read_text())
    change = {"version": 2, "kdf": document["kdf"] | {"note": ""}, "extra": ""}
    document[field] = change.get(field, "AAAA" + str(document.get(field))[4:])
    vault.path.write_text(json.dumps(document))

    assert refusal(lambda: vault.read("entry")) != ""


def test_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    """It may come from a command that asks a person."""
    answers = iter([PASSPHRASE])
    vault = FileVault(tmp_path, passphrase=lambda: next(answers))
    vault.write("entry", "value")
    vault.write("entry", "new")

    assert vault.read("entry") == "new"


def test_no_nonce_is_used_twice(tmp_path: Path) -> None:
    """GCM with a nonce used twice gives its key away."""
    vault = written(tmp_path, PASSPHRASE)
    nonces = {json.loads(vault.path.read_text())["nonce"]}
    for _ in range(9):
        vault.write("entry", "s3cret")
        nonces.add(json.loads(vault.path.read_text())["nonce"])

    assert len(nonces) == 10


def test_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    """A temporary file holds all the secrets."""
    vault = written(tmp_path)
    (tmp_path / ".vault.json.abc123").write_text("s3cret")
    vault.write("entry", "new")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault.json", "vault.lock"]


def test_other_process_holding_the_lock_is_named(tmp_path: Path) -> None:
    """A writer waits, but not for ever."""
    vault = FileVault(tmp_path, seconds=0.05)

    with Mutex(tmp_path / "vault.lock").held(0):
        message = refusal(lambda: vault.write("entry", "value"))

    assert f"Other processes kept {vault.path} busy for 0.05 s." in message


def test_reader_on_posix_needs_no_lock(tmp_path: Path) -> None:
    """A rename is atomic, so a stampede of readers never queues."""
    vault = written(tmp_path)

    with Mutex(tmp_path / "vault.lock").held(0):
        assert vault.read("entry") == "s3cret"


CHILD = """
import os, portalocker, sys
from pathlib import Path
from hexauth.errors import VaultError
from hexauth.vault.file import FileVault
vault = FileVault(Path(sys.argv[1]))
if len(sys.argv) > 3:  # after the imports: another user may not be let in to where Python is
    os.setuid(int(sys.argv[3]))
try:
    vault.check() if sys.argv[2] == "check" else vault.write("entry", "x" * 100_000)
except VaultError as error:
    print(error, error.hint)
"""


def in_child(
    folder: Path, method: str, *more: str, before: Callable[[], None] | None = None
) -> str:
    """Run `method` in a process of its own, and return the error it prints."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), method, *more],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        preexec_fn=before,
    ).stdout


@pytest.mark.parametrize("method", ["check", "write"])
def test_full_disk_is_named_and_the_old_file_stays(tmp_path: Path, method: str) -> None:
    """A limit on file sizes stands in for a full disk: it fails at the same call."""
    vault = written(tmp_path)

    message = in_child(
        tmp_path,
        method,
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )

    assert [
        "File too large" in message,
        "the old file is intact" in message,
        vault.read("entry"),
        sorted(path.name for path in tmp_path.iterdir()),
    ] == [True, True, "s3cret", ["vault.json", "vault.lock"]]


@pytest.mark.parametrize("method", ["check", "write"])
def test_folder_that_cannot_be_written_is_named(method: str) -> None:
    """Root may write everywhere, so as root another user tries."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name) / "vault"
        written(folder)
        user = ["65534"] if os.getuid() == 0 else []
        for path in (Path(name), folder, folder / "vault.json", folder / "vault.lock"):
            os.chown(path, int(user[0]) if user else -1, -1)
        folder.chmod(0o500)
        message = in_child(folder, method, *user)
        folder.chmod(0o700)

    assert message.startswith(f"{folder}/vault.json cannot be used: Permission denied.")


def test_file_below_a_file_is_refused() -> None:
    """A folder that cannot exist is an error, not an empty vault."""
    vault = FileVault(Path(__file__) / "vault")

    assert "Not a directory" in refusal(lambda: vault.read("entry"))


DESCRIPTIONS = {
    (None, None): "plain text, readable by your user alone (mode 0600), as mix's own hex.config is",
    (None, PASSPHRASE): "encrypted with your passphrase from the next write on",
    (PASSPHRASE, PASSPHRASE): "encrypted with your passphrase",
    (PASSPHRASE, None): "encrypted with your passphrase",
}


@pytest.mark.parametrize(("passphrases", "words"), DESCRIPTIONS.items())
def test_description_says_how_the_file_is_protected(
    tmp_path: Path, passphrases: tuple[bytes | None, bytes | None], words: str
) -> None:
    """`login` and `status` show it; it tells the truth about the file as it is."""
    written(tmp_path, passphrases[0])

    assert (
        FileVault(tmp_path, passphrase=lambda: passphrases[1]).describe()
        == f"{tmp_path / 'vault.json'}, {words}"
    )


def test_windows_readers_wait_for_writers(tmp_path: Path) -> None:
    """There, a file that somebody reads cannot be replaced."""
    written(tmp_path)
    vault = FileVault(tmp_path, seconds=0.05, platform="win32")

    with Mutex(tmp_path / "vault.lock").held(0):
        assert "busy" in refusal(lambda: vault.read("entry"))
