"""Runs rows: each is one command, at a server that gives one hostile answer.

`python -m tests.hostile.run` prints a line for each row, and exits 1 if one fails.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hexauth.login.tokens import Tokens
from hexauth.model import Token
from hexauth.vault.home import Home
from tests.conftest import Machine
from tests.homes import home
from tests.hostile.rows import COMMANDS, DEVICE_CODE, GOOD, GRANT, KEY, NEW, ROWS, Row
from tests.hostile.server import Hostile, said
from tests.ready import LOCALE, Ended, ready

SECONDS = 30
"""The longest that a command may take, whose server has 20 s for an answer, or 2 in slow rows."""

MIB = 64
"""The most memory that a command may take beyond what Python itself does."""

LINES = 12
"""The most lines that a person may be told."""

OLD = Token("old-access-S3CRET", "old-refresh-S3CRET", expires_at=1, scope="api", issued_at=0)

SECRETS = (OLD.access, OLD.refresh, NEW["access_token"], NEW["refresh_token"], DEVICE_CODE, KEY)


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    seconds: float
    mib: float
    """The most memory it had, beyond that of Python, or of a command that does nothing."""
    out: bytes
    err: bytes


@dataclass(frozen=True)
class Result:
    """What came of a row, and what is wrong with it."""

    row: Row
    ran: Ran
    faults: tuple[str, ...]


def run(row: Row, folder: Path, ran: Callable[..., Ran]) -> Result:
    """Run `row` in the empty `folder`; `ran` is `anew` or `prepared`."""
    device = [(said({**GRANT, "expires_in": row.life}),)]
    with Hostile({**GOOD, "device": device, row.endpoint: row.answers}) as server:
        machine = Machine(folder, f"{server.url}/api")
        pause = "1" if row.slow else "10"
        machine.environ |= {"HEX_HTTP_TIMEOUT": pause, "HEXAUTH_CACHE": "off"}
        here = home(folder / "hexauth", machine.environ)
        tokens = Tokens(here, here.settings.login)
        tokens.save(OLD)
        words = row.words or COMMANDS[row.endpoint]
        words = tuple(word.replace("{here}", server.url) for word in words)
        done = ran(machine, *words)
        shown = ran(machine, "status") if row.then_status else None
        faults = [*_faults(row, done, _after(here))]
        if server.cookies:
            faults.append("a cookie was sent on")
        if shown is not None:
            faults += [f"status: {each}" for each in on_screen(shown.out + shown.err, 3 * LINES)]
    return Result(row, done, tuple(faults))


def _after(here: Home) -> str:
    """Return which login is in the vault."""
    token = Tokens(here, here.settings.login).load()
    if token is None:
        return "none"
    return "old" if token.refresh == OLD.refresh else "new"


def anew(machine: Machine, *words: str) -> Ran:
    """Run `hexauth` with these words in a new process."""
    note = machine.home / "measured"
    note.unlink(missing_ok=True)
    program = str(shutil.which("hexauth", path=machine.environ["PATH"]))
    measure = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py"))]
    with machine.start(*measure, str(note), program, *words) as process:
        try:
            out, err = process.communicate(KEY.encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return Ran(-9, SECONDS, 0, *process.communicate())
    code, seconds, kib = note.read_text().split()
    return Ran(int(code), float(seconds), (int(kib) - _kib_of_python()) / 1024, out, err)


def prepared(machine: Machine, *words: str) -> Ran:
    """Run `hexauth` with these words in a process that has its imports made (tests/ready.py)."""
    least = _kib_of_nothing()
    began = time.monotonic()
    done = machine.prepare("hexauth", *words, give=KEY.encode())
    assert isinstance(done, Ended)
    seconds = time.monotonic() - began
    return Ran(done.returncode, seconds, (done.kib - least) / 1024, done.stdout, done.stderr)


@cache
def _kib_of_python() -> int:
    """Return the KiB that Python takes to do nothing."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "measured")
        measure = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py"))]
        subprocess.run([*measure, str(note), sys.executable, "-c", "pass"], check=True)
        return int(note.read_text().split()[2])


@cache
def _kib_of_nothing() -> int:
    """Return the KiB that a prepared process takes to do next to nothing."""
    done = ready().run("hexauth", "--version", environ=LOCALE, cwd=Path("/"))
    assert done is not None
    return done.kib


def _faults(row: Row, ran: Ran, kept: str) -> Iterator[str]:
    """Yield what is wrong."""
    if ran.code not in row.codes:
        yield f"exit code {ran.code}, not {row.codes}"
    if ran.seconds >= SECONDS:
        yield "it did not end"
    if ran.mib > MIB:
        yield f"over {MIB} MiB"
    if kept not in row.kept:
        yield f"the vault holds {kept}, not {row.kept}"
    for words in row.says:
        if ran.err.decode("utf-8", "replace").count(words) != 1:
            yield f"it does not say once: {words}"
    for words in row.never_says:
        if words in ran.err.decode("utf-8", "replace"):
            yield f"it says: {words}"
    yield from on_screen(ran.err)
    if row.endpoint == "refresh" and ran.code:
        yield from ["there is output"] if ran.out else []
    elif row.endpoint not in ("refresh", "api"):
        yield from on_screen(ran.out)


def on_screen(text: bytes, lines: int = LINES) -> Iterator[str]:
    """Yield what is wrong with what a person sees."""
    try:
        shown = text.decode()
    except UnicodeDecodeError:
        yield "raw bytes are shown"
        return
    if not all(line.isprintable() for line in shown.split("\n")):
        yield "raw characters are shown"
    if any(secret and secret in shown for secret in SECRETS):
        yield "a secret is shown"
    if "Traceback" in shown or "nobody expected" in shown or "Warning" in shown:
        yield "it failed in a way nobody expected"
    if shown.count("\n") > lines or max(map(len, shown.split("\n"))) > 4000:
        yield "a flood is shown"


def main(words: list[str]) -> int:
    """Run all rows, or those in whose name or endpoint one of `words` is; print the table."""
    chosen = [
        row
        for row in ROWS
        if not words or any(word in f"{row.endpoint} {row.name}" for word in words)
    ]
    if not chosen:
        print(f"No row has {' or '.join(words)} in its endpoint or name.", file=sys.stderr)  # noqa: T201
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hx-hostile-") as base, ThreadPoolExecutor(4) as pool:

        def one(numbered: tuple[int, Row]) -> Result:
            folder = Path(base, str(numbered[0]))
            folder.mkdir()
            return run(numbered[1], folder, anew)

        bad = 0
        print(f"{'endpoint':<9} {'exit':>4} {'s':>5} {'MiB':>5}  {'verdict':<8} row")  # noqa: T201
        for result in pool.map(one, enumerate(chosen)):
            ran, row = result.ran, result.row
            bad += bool(result.faults)
            verdict = "FAILED" if result.faults else "good"
            figures = f"{ran.code:>4} {ran.seconds:5.2f} {ran.mib:5.1f}"
            line = f"{row.endpoint:<9} {figures}  {verdict:<8} {row.name}"
            print(line, *(f"\n    {fault}" for fault in result.faults), flush=True)  # noqa: T201
            if result.faults:
                print("    " + repr(ran.err[:600]))  # noqa: T201
    print(f"{len(chosen)} rows, {bad} failed, {time.monotonic() - began:.0f} s")  # noqa: T201
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
