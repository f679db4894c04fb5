"""Whatever a server answers: the short form of `sh scripts/hostile`."""

import zlib
from pathlib import Path

import pytest

from tests.conftest import Machine
from tests.hostile.rows import ROWS, Row
from tests.hostile.run import MIB, SECONDS, anew, on_screen, prepared, run

SLOW = (
    ("refresh", "a body that drips, with its length"),
    ("refresh", "one header that drips"),
    ("refresh", "307 after 307, each in time"),
    ("poll", "a body that drips"),
    ("api", "a body that drips"),
)
"""Those of the slow rows that are run here."""

SHORT = [
    row
    for row in ROWS
    if (row.endpoint, row.name) in SLOW or not (row.slow or row.again)
]  # fmt: skip


@pytest.mark.parametrize("row", SHORT, ids=lambda row: f"{row.endpoint}: {row.name}")
def test_nothing_is_held_up_filled_lost_or_shown_raw(row: Row, tmp_path: Path) -> None:
    result = run(row, tmp_path, anew if Machine.is_anew else prepared)

    assert (result.faults, result.ran.err) == ((), result.ran.err)


TERMS = {
    "lists in lists": b"[" * 500_000,
    "tuples in tuples": b"{" * 99 + b"}" * 99 + b"." + b"{a," * 100_000,
    "a text without end": b'{"' + b"a" * 500_000,
    "backslashes": b'"' + b"\\" * 500_001,
    "a number of many digits": b"{a, " + b"9" * 500_000 + b"}.",
    "comments": b"%\n" * 250_000,
    "bytes": b"<<" + b"1," * 100_000 + b"300>>.",
    "a map": b"#{" + b"a=>1," * 50_000,
    "full stops": b"a." * 100_000,
    "a file of many megabytes": b"a." * 5_000_000,
    "a packed term": b"\x83P\xff\xff\xff\xff" + zlib.compress(bytes(10**7)),
    "what repaints": b'{<<"\x1b[2J">>, <<"\x1b]0;x\x07">>}. \x9b',
}
"""What mix may have kept, were it not mix that wrote it."""


@pytest.mark.parametrize("name", TERMS)
def test_erlang_terms_in_a_file_are_read_with_limits(name: str, tmp_path: Path) -> None:
    (tmp_path / ".hex").mkdir()
    (tmp_path / ".hex/hex.config").write_bytes(TERMS[name])

    done = prepared(Machine(tmp_path, "http://127.0.0.1:9/api"), "import")

    assert (done.code in (0, 2), [*on_screen(done.out + done.err)]) == (True, [])
    assert (done.seconds < SECONDS, done.mib < MIB) == (True, True)
