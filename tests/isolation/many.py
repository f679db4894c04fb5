"""Runs the commands of `bin/` again and again in one process: what is said is theirs.

A list of jobs comes on standard input as JSON, and a list of what each has said goes out. A run
begins where a console script does, but with all imports done, so that it takes a millisecond or two
instead of a tenth of a second; what would end the process, or become another program, ends the run.
"""

import base64
import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from hexauth import __main__, hot

BIN = Path(__file__).parents[2] / "bin"

DOORS = {
    "hexauth": ("hexauth", __main__.main),
    "git-credential-hexauth": ("git", __main__.git),
    "hexauth-bazel": ("bazel", __main__.bazel),
    "docker-credential-hexauth": ("docker", __main__.docker),
}
"""Each program: what its door is called inside, and what it calls if no quick way answers."""


class Left(BaseException):
    """The end of a run: exit code, output and errors, and whether a quick way has answered."""


def main() -> None:
    """Run what standard input names."""
    jobs = json.loads(sys.stdin.buffer.read())
    hot.leave = leave
    __main__._end = end
    os.execve = become  # type: ignore[assignment]
    out = sys.stdout
    out.write(json.dumps([run(job) for job in jobs]))
    out.flush()


def leave(answer: bytes, code: int = 0, said: bytes = b"") -> NoReturn:
    """Stand in for `hot.leave`."""
    raise Left(code, answer, said, True)


def end(code: int) -> NoReturn:
    """Stand in for the end of everything else."""
    raise Left(code, written(sys.stdout), written(sys.stderr), False)


def become(_program: str, _words: object, environ: Mapping[str, str]) -> NoReturn:
    """Stand in for execve(2): print the environment, as env(1) would."""
    raise Left(0, "".join(f"{key}={environ[key]}\n" for key in environ).encode(), b"", False)


def written(stream: Any) -> bytes:
    """Return what was written to a stream."""
    if stream is None:
        return b""
    stream.flush()
    return stream.buffer.getvalue()  # type: ignore[no-any-return]


def run(job: dict[str, Any]) -> tuple[int, str, str, bool]:
    """Return exit code, output and errors of one job, and whether a quick way has answered."""
    with tempfile.TemporaryFile() as given:
        given.write(base64.b64decode(job["give"]))
        given.seek(0)
        os.dup2(given.fileno(), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (it is closed below)
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
    os.environ.clear()
    os.environ.update(job["environ"])
    program, *words = (os.fsdecode(base64.b64decode(word)) for word in job["words"])
    sys.argv = [program, *words]
    try:
        _enter(program, quick=job["quick"])
    except Left as left:
        code, out, err, quick = left.args
    except SystemExit as failure:
        text = failure.code if isinstance(failure.code, str) else ""
        code = 1 if text else int(failure.code or 0)
        out, err, quick = written(sys.stdout), text.encode(), False
    finally:
        sys.stdin.close()
    return code, *(base64.b64encode(each).decode() for each in (out, err)), quick


def _enter(program: str, *, quick: bool) -> None:
    door, enter = DOORS[program]
    names: dict[str, Any] = {"__name__": program, "front": hot.Front(door)}
    try:
        if quick:
            exec(compile((BIN / program).read_bytes(), program, "exec"), names)  # noqa: S102
        else:
            names["front"].is_tried = True
            enter(names["front"])
    finally:
        names["front"].leave()  # a process that has ended holds no mutex any more


if __name__ == "__main__":
    main()
