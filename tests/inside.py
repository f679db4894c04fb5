"""Commands that are run within this process: as they are typed, without an interpreter's start."""

import gc
import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from unittest.mock import patch

from hexauth.__main__ import run
from hexauth.hot import Front
from hexauth.machine import core_dump


@dataclass(frozen=True)
class Done:
    """What a command has come to."""

    code: int
    out: str
    err: str


def inside(
    *words: str,
    environ: Mapping[str, str],
    give: bytes = b"",
    door: str = "hexauth",
    closed: bool = False,
) -> Done:
    """Run a command in `environ` alone, with `give` on standard input and nobody to be asked.

    With `closed`, it has no standard output. What it may do to its process is undone.
    """
    streams = [io.TextIOWrapper(io.BytesIO(data), "utf-8") for data in (give, b"", b"")]
    thresholds = gc.get_threshold()
    with (
        patch.dict(os.environ, environ, clear=True),
        patch.object(core_dump, "forbid"),  # tests may be looked into
        patch.object(sys, "stdin", streams[0]),
        patch.object(sys, "stdout", None if closed else streams[1]),
        patch.object(sys, "stderr", streams[2]),
    ):
        try:
            code = run(list(words), Front(door), door)
        finally:
            gc.set_threshold(*thresholds)
    for stream in streams[1:]:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in streams[1:])
    return Done(code, out, err)
