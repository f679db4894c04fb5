"""Which file system a folder is on, by what the kernel lists."""

from pathlib import Path

import pytest

from hexauth.machine.mounts import file_system, lock_warning, network_file_system

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
31 30 254:1 / /home/alice/local rw,relatime master:3 propagate_from:2 - xfs /dev/vdb rw
32 27 0:41 / /mnt/my\040share rw - cifs //server/share rw
33 27 0:42 / /mnt/c rw - 9p C:\134 rw
34 27 0:43 / /mnt/far rw - fuse.sshfs host:/ rw
35 27 0:44 / /twice rw - nfs server:/x rw
36 35 0:45 / /twice rw - tmpfs tmpfs rw
nonsense
37 27 0:46 /
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/srv/homes", "ext4"),
        ("/home", "nfs4"),
        ("/home/alice", "nfs4"),
        ("/home/alice/local/state", "xfs"),
        ("/home/alice/locals", "nfs4"),
        ("/homes", "ext4"),
        ("/mnt/my share/hexauth", "cifs"),
        ("/mnt/c/Users", "9p"),
        ("/mnt/far/hexauth", "fuse.sshfs"),
        ("/twice/state", "tmpfs"),
    ],
)
def test_longest_and_latest_mount_counts(folder: str, kind: str) -> None:
    assert file_system(folder, MOUNTS) == kind


def test_nothing_is_known_where_nothing_is_listed() -> None:
    assert file_system("/home", "") == ""


@pytest.mark.parametrize(
    ("kind", "found"),
    [("nfs4", "nfs4"), ("fuse.sshfs", "fuse.sshfs"), ("fuse.portal", None), ("btrfs", None)],
)
def test_what_comes_over_the_network_is_noticed(tmp_path: Path, kind: str, found: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 0:1 / / rw - {kind} none rw\n")

    assert network_file_system(tmp_path / "not" / "there", mounts) == found


def test_link_is_followed_to_where_the_folder_is(tmp_path: Path) -> None:
    mounts, link = tmp_path / "mountinfo", tmp_path / "link"
    mounts.write_text("1 1 0:1 / / rw - ext4 none rw\n2 1 0:2 / /net rw - nfs none rw\n")
    link.symlink_to("/net/folder")

    assert network_file_system(link, mounts) == "nfs"


def test_system_that_lists_nothing_is_not_asked_again(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "none") is None


def test_there_is_no_warning_here(tmp_path: Path) -> None:
    assert lock_warning(tmp_path) is None
