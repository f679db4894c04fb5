import os
from pathlib import Path

from hexauth.machine.lineage import DEPTH, ascending, lineage

TABLE = """
    1     0 /sbin/launchd
  200     1 -zsh
  300   200 mix deps.get --only test
  400   300 git fetch
"""


def test_parents_are_found_the_nearest_first() -> None:
    own = Path(f"/proc/{os.getppid()}/cmdline").read_bytes().decode().split("\0")[:-1]

    assert list(lineage(platform="linux")[0]) == own


def test_another_process_comes_first() -> None:
    assert lineage(os.getpid(), "linux")[1:] == lineage(platform="linux")


def test_nothing_is_known_where_proc_is_closed_or_there_is_none(tmp_path: Path) -> None:
    assert lineage(0, "linux", tmp_path) == []
    assert lineage(platform="win32") == []


def test_name_of_a_program_leads_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / str(os.getppid())
    folder.mkdir()
    (folder / "cmdline").write_bytes(b"a\0b\xff\0")
    (folder / "stat").write_bytes(b"7 (x) R 99 (y)) S 1 1 1")

    assert lineage(0, "linux", tmp_path) == [("a", "b\ufffd")]


def test_table_of_ps_is_climbed() -> None:
    found = ascending(TABLE, 400)

    assert found == [
        ("git", "fetch"),
        ("mix", "deps.get", "--only", "test"),
        ("-zsh",),
    ]


def test_circle_has_an_end() -> None:
    assert len(ascending("7 8 a\n8 7 b\n", 7)) == DEPTH
