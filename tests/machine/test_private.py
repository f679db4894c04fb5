"""Folders and files that are trusted, and what happens if somebody changes them meanwhile."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hexauth.errors import VaultError
from hexauth.machine.files import make_folder, write_private
from hexauth.machine.private import (
    demand_private,
    opened,
    private_folder,
    read_regular,
    who_else,
)

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")

SWAP = """
import os, sys
from pathlib import Path
from hexauth.errors import VaultError
from hexauth.vault.file import FileVault

folder, moment = Path(sys.argv[1]), sys.argv[2]
vault = FileVault(folder / "vault")
done = False

def swap(event, arguments):
    global done
    if not done and event == "open" and str(arguments[0]).endswith(moment):
        done = True
        (folder / "vault").rename(folder / "old")
        (folder / "vault").symlink_to(folder / "planted")

sys.addaudithook(swap)
try:
    print(vault.read("entry"))
    vault.write("entry", "new")
except VaultError as error:
    print(error)
assert done
"""
"""Puts a link in the folder's place at the very moment when a file in it is about to be opened."""


def vault_with(folder: Path, value: str) -> Path:
    folder.mkdir(mode=0o700)
    path = folder / "vault.json"
    path.write_text(f'{{"version": 1, "entries": {{"entry": "{value}"}}}}')
    path.chmod(0o600)
    return path


def test_folder_that_is_swapped_while_it_is_read_is_not_followed(tmp_path: Path) -> None:
    """What was looked at is what is used, whatever its name leads to by then."""
    vault_with(tmp_path / "vault", "mine")
    planted = vault_with(tmp_path / "planted", "planted")
    (tmp_path / "planted").chmod(0o777)

    said = subprocess.run(
        [sys.executable, "-c", SWAP, tmp_path, "vault.json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()

    assert said == ["mine", f"{tmp_path}/vault is open to other users (mode 0777)."]
    assert "planted" in planted.read_text()


def test_folder_that_is_swapped_while_it_is_written_is_not_followed(tmp_path: Path) -> None:
    """The temporary file, too, is made in the folder that was looked at."""
    vault_with(tmp_path / "vault", "mine")
    planted = vault_with(tmp_path / "planted", "planted")
    script = SWAP.replace('print(vault.read("entry"))', "pass")

    subprocess.run([sys.executable, "-c", script, tmp_path, "vault.json"], check=True, timeout=60)

    assert '"new"' in (tmp_path / "old/vault.json").read_text()
    assert '"planted"' in planted.read_text()
    assert [path.name for path in (tmp_path / "planted").iterdir()] == ["vault.json"]


def test_missing_folders_are_all_made_for_the_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a/b/c"

    private_folder(folder)

    assert [oct(each.stat().st_mode & 0o777) for each in (folder, *folder.parents[:2])] == [
        "0o700"
    ] * 3


def test_folder_that_is_there_keeps_what_is_above_it(tmp_path: Path) -> None:
    """A person's own folder is nobody's to close."""
    (tmp_path / "home").mkdir(mode=0o755)
    make_folder(tmp_path / "home/below")

    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o755


def test_folder_behind_a_link_counts_as_what_it_is(tmp_path: Path) -> None:
    """Many keep their folders elsewhere; what a link leads to has to be theirs."""
    (tmp_path / "far").mkdir(mode=0o700)
    (tmp_path / "near").symlink_to(tmp_path / "far")
    private_folder(tmp_path / "near")
    (tmp_path / "far").chmod(0o777)

    with pytest.raises(VaultError, match="is open to other users"):
        private_folder(tmp_path / "near")


def test_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(VaultError, match="file cannot be made: Not a directory"):
        private_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0o644, None), (0o444, None), (0o600, None), (0o602, "mode 0602"), (0o666, "mode 0666")],
)
def test_file_that_others_can_write_is_somebody_else_s(
    tmp_path: Path, mode: int, words: str | None
) -> None:
    """Others may read it."""
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(mode)

    said = who_else((tmp_path / "file").stat())

    assert words in said if words and said else said is words


@only_root
def test_group_of_the_user_alone_is_no_others(tmp_path: Path) -> None:
    """Where each user has a group, editors make files that it can write to."""
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o664)
    said = []
    for group in (0, 65534, 123456):  # root's own, nogroup, and one that nobody knows
        os.chown(tmp_path / "file", 0, group)
        said.append(who_else((tmp_path / "file").stat()))

    assert said == [None, *["other users can write to it (mode 0664)"] * 2]


@only_root
def test_root_s_file_is_trusted_and_a_stranger_s_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 12345, -1)

    assert who_else((tmp_path / "file").stat()) == "it belongs to another user (uid 12345)"


def test_what_is_proved_leaves_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with opened(tmp_path) as folder:
        folder.write("file", b"content")
        before = sorted(path.name for path in tmp_path.iterdir())
        folder.prove("file", b"content", 10)
        folder.prove("other", None, 10)

        assert folder.read("file") == b"content"
    assert sorted(path.name for path in tmp_path.iterdir()) == before == ["file"]


def test_next_writer_sweeps_what_killed_ones_have_left(tmp_path: Path) -> None:
    """Files of that name alone; another one's may be being written just now."""
    tmp_path.chmod(0o700)
    for name in (".file.12-ab", ".file.probe", ".file.probe.12-ab", ".other.12-ab"):
        (tmp_path / name).touch()

    with opened(tmp_path) as folder:
        folder.write("file", b"")

    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.12-ab", "file"]


def test_mode_is_as_it_is_given_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o277)
    try:
        write_private(tmp_path / "secret", b"")
        write_private(tmp_path / "program", b"", 0o755)
    finally:
        os.umask(before)

    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("secret", "program")]
    assert modes == [0o600, 0o755]


def test_fifo_is_no_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(OSError, match="Not a regular file"):
        read_regular(tmp_path / "fifo")


def test_hint_names_the_mode_that_is_wanted(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with pytest.raises(VaultError) as caught:
        demand_private(tmp_path, tmp_path.stat(), 0o022)

    assert f"chmod 700 {tmp_path}" in caught.value.hint
