"""Runs of hexauth that find every import made: each is a fork of one process that has made them.

What they print, and how they end, is as from a new process, which takes six times as long. They are
for what prepares a test, and for what looks around after it; and for the longer of two ways. What a
test is about is started anew.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
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


class Ready:
    """Runs commands, one after the other."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._folder = process, folder

    def run(
        self, *words: str, environ: Mapping[str, str], cwd: Path, give: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run one of hexauth's programs to its end, with `environ` as its whole environment."""
        stdin, stdout, stderr = (self._folder / name for name in STREAMS)
        stdin.write_bytes(give)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps([words, dict(environ), str(cwd)])}\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, code, stdout.read_bytes(), stderr.read_bytes())


@contextmanager
def running() -> Iterator[Ready]:
    """Start the process that makes the imports; it ends with the `with` block."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hx-ready-"))
        process = subprocess.Popen(
            [sys.executable, __file__, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"LANG": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)},
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


def serve(folder: Path) -> None:
    """Run a command for each line on standard input, and write how it has ended."""
    for each in (*HEAVY, *_modules()):
        import_module(each)
    scripts = dict[str, CodeType]()
    for line in sys.stdin:
        words, environ, cwd = json.loads(line)
        if words[0] not in scripts:
            path = Path(sys.executable).with_name(words[0])
            scripts[words[0]] = compile(path.read_bytes(), path, "exec")
        if (child := os.fork()) == 0:
            _become(scripts[words[0]], words, environ, cwd, folder)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
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
    serve(Path(sys.argv[1]))
