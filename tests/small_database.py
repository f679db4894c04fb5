"""A database on a small disk, that can be full."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from tests.as_postgres import own
from tests.postgres import Postgres, quoted

SIZE = "24m"
"""The size of the disk; a database without tables takes 8 MB."""

FILL = """
insert into filler select string_agg(sha512(n::text::bytea), '') from generate_series(1, %s) n
"""


class SmallDatabase:
    """A database of a server's on a disk of its own; the test is skipped if that cannot be made.

    It is a tablespace on a tmpfs, which only root can mount. The server's log of writes stays where
    it is, so that a full disk is an error of a statement (SQLSTATE 53100), and the server lives on.
    """

    def __init__(self, server: Postgres, name: str) -> None:
        self._server, self.name = server, name
        self._disk = Path()

    def __enter__(self) -> Self:
        self._disk = self._server.folder / f"disk of {self.name}"
        self._disk.mkdir()
        if not mounted(self._disk):
            pytest.skip("nothing can be mounted here, so no disk can be full")
        own(self._disk)
        self._server.sql(f"create tablespace {quoted(self.name)} location '{self._disk}'")
        self._server.sql(f"create database {quoted(self.name)} tablespace {quoted(self.name)}")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._server.sql(f"drop database if exists {quoted(self.name)} with (force)")
            self._server.sql(f"drop tablespace if exists {quoted(self.name)}")
        finally:
            subprocess.run(["umount", "-l", self._disk], check=True)
            self._disk.rmdir()

    def fill(self) -> None:
        """Fill the disk; only what fits into pages that tables have already can be written."""
        import psycopg

        self._server.sql("create table if not exists filler (bytes bytea)", self.name)
        for size in (4000, 100, 1):  # ever smaller, until not a page is left
            with (
                suppress(psycopg.errors.DiskFull),
                psycopg.connect(
                    self._server.url(database=self.name), autocommit=True
                ) as connection,
            ):
                while True:
                    connection.execute(FILL.encode(), [size])

    def drain(self) -> None:
        """Make room again."""
        self._server.sql("drop table filler", self.name)
        self._server.sql("checkpoint")


def mounted(disk: Path) -> bool:
    """Mount a small file system in memory on a folder; tell whether that may be done."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(disk)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
