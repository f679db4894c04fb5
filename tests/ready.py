"""Runs of hexauth that find every import made: each is a fork of one process that has made them.

It runs the installed program in a process of its own, with the arguments, environment, folder and
streams given. What that prints, and how it ends, is as from a new process, which takes six times as
long. Where a start is what is tested, the test or its module is marked `anew`; with `pytest --anew`
all are.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import CodeType

HEAVY = (
    "click",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.scrypt",
    "jeepney.io.blocking",
    "keyring.backends.SecretService",
    "keyring.backends.chainer",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.null",
    "portalocker",
    "psycopg",
    "requests",
    "secretstorage",
    "segno",
    "tomlkit",
    "truststore",
)
"""What hexauth imports where it is used."""

SECONDS = 60
"""The longest that a command may take."""

STREAMS = ("stdin", "stdout", "stderr")

PROGRAMS = {each.name for each in Path(__file__).parents[1].joinpath("bin").iterdir()}
"""What hexauth installs."""

LOCALE = {"LANG": "C.UTF-8"}
"""What Python is started with that it does not read again: see `suits`."""

STARTERS = ("LANG", "LC_", "LD_", "PYTHON", "TZ")
"""How the names of variables begin that Python, or what loads it, looks at when it starts."""


def suits(program: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a run of `program` in `environ` ends as it would if it were started anew."""
    return (
        program in PROGRAMS
        and {name: value for name, value in environ.items() if name.startswith(STARTERS)} == LOCALE
    )


class Ended(subprocess.CompletedProcess[bytes]):
    """How a command has ended; `kib` is the most memory that it had, with all its imports."""

    def __init__(self, words: Sequence[str], code: int, kib: int, out: bytes, err: bytes) -> None:
        super().__init__(words, code, out, err)
        self.kib = kib


class Ready:
    """Runs commands, one after the other."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._folder = process, folder
        self._turn = threading.Lock()

    def run(
        self, *words: str, environ: Mapping[str, str], cwd: Path, give: bytes = b""
    ) -> Ended | None:
        """Run one of hexauth's programs to its end, with `environ` as its whole environment.

        While another one runs, None is returned: that one may end only when this one has.
        """
        if not self._turn.acquire(blocking=False):
            return None
        try:
            # A folder for each, as what a command leaves behind may go on writing.
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                stdin, stdout, stderr = (Path(folder, name) for name in STREAMS)
                stdin.write_bytes(give)
                code, kib = self._ask(json.dumps([words, dict(environ), str(cwd), folder]))
                return Ended(words, code, kib, stdout.read_bytes(), stderr.read_bytes())
        finally:
            self._turn.release()

    def _ask(self, line: str) -> list[int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return [int(word) for word in self._process.stdout.readline().split()]


@contextmanager
def running() -> Iterator[Ready]:
    """Start the process that makes the imports; it ends with the `with` block."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hx-ready-"))
        process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**LOCALE, "PATH": os.environ.get("PATH", os.defpath)},
        )
        stack.enter_context(process)
        assert process.stdin is not None
        stack.enter_context(process.stdin)
        yield Ready(process, Path(folder))


@cache
def ready() -> Ready:
    """Return the one that serves all tests of this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running())


def serve() -> None:
    """Run a command for each line on standard input, and write how it has ended."""
    for each in (*HEAVY, *_modules()):
        import_module(each)
    scripts = dict[str, CodeType]()
    for line in sys.stdin:
        words, environ, cwd, folder = json.loads(line)
        if words[0] not in scripts:
            path = Path(sys.executable).with_name(words[0])
            scripts[words[0]] = compile(path.read_bytes(), path, "exec")
        if (child := os.fork()) == 0:
            _become(scripts[words[0]], words, environ, cwd, Path(folder))
        _, status, usage = os.wait4(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}\n")
        sys.stdout.flush()


def _modules() -> Iterator[str]:
    """Yield the names of hexauth's modules, but for those of its sandbox."""
    import hexauth

    for each in walk_packages(hexauth.__path__, "hexauth."):
        if not each.name.startswith("hexauth.sandbox"):
            yield each.name


def _become(
    script: CodeType, words: list[str], environ: dict[str, str], cwd: str, folder: Path
) -> None:
    """Run `script` in this process as if nothing had been there before; do not return."""
    code = 70
    try:
        signal.alarm(SECONDS)
        os.setsid()
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        for number, name in enumerate(STREAMS):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
            os.dup2(os.open(folder / name, flags), number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  (the old one has read ahead)
        sys.argv = words
        exec(script, {"__name__": "__main__"})  # noqa: S102  (it is hexauth's own)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stderr.write(f"{end.code}\n" if isinstance(end.code, str) else "")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
