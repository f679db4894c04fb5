"""Measure everything in one run, and print it as tables in Markdown.

Run it with an interpreter that has hexauth's extra `dev`; `--scripts` names the folder of the
programs to measure, which want to be freshly installed and not editable.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from bench import peers
from bench.measure import Program, crowd, interleave, peak
from hexauth import hot
from hexauth.machine.mutex import Mutex
from hexauth.sandbox.faults import parse
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.secret_service import running

RESULTS = Path(__file__).with_name("RESULTS.md")

LONG_NAME = "a" * 420
"""Makes a token of a thousand characters, as one has that says more than hexpm's; with more than
1,024 git's helper for libsecret fails."""

WAITER = """
import sys, time
from pathlib import Path
from hexauth.machine.mutex import Mutex
path = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    sys.stdin.readline()
    with Mutex(path).held(60, lambda: None):
        print(time.monotonic_ns(), flush=True)
"""

Figure = tuple[str, float | None, float, bool]
"""What is compared, what was found, the limit, and whether more is better."""


class Bench:
    """A machine with a keyring, a Hex server and a login, on which programs are measured."""

    def __init__(self, scripts: Path, folder: Path, environ: dict[str, str], hex_: Sandbox) -> None:
        self.scripts, self.folder, self.sandbox = scripts, folder, hex_
        kept = {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
        home = {"HEXAUTH_HOME": str(folder / "h"), "HEX_API_URL": hex_.api_url}
        self.environ = {**environ, **kept, **home}
        host = hex_.url.removeprefix("http://")
        self.request = f"protocol=http\nhost={host}\n\n".encode()
        self.run("hexauth", "login", "--no-browser")
        self.token = self.run("hexauth", "get", "hexpm", "--format", "token").decode().strip()

    def run(self, *words: str, given: bytes = b"") -> bytes:
        """Run one of hexauth's commands, and return what it prints."""
        path = str(self.scripts / words[0])
        done = subprocess.run(
            [path, *words[1:]], input=given, env=self.environ, check=True, capture_output=True
        )
        return done.stdout

    def program(self, name: str, *words: str, given: bytes = b"", cache: str = "on") -> Program:
        """Return a program of the environment that is measured; it must print the token."""
        path = str(self.scripts / words[0])
        environ = self.environ if cache == "on" else {**self.environ, "HEXAUTH_CACHE": cache}
        expected = b"" if words[0] == "python" else self.token.encode()
        return Program(name, [path, *words[1:]], environ, given, expected)

    def programs(self) -> Iterator[Program]:
        """Yield all that are measured one at a time."""
        uri = f'{{"uri":"{self.sandbox.api_url}"}}'.encode()
        get = ("hexauth", "get", "hexpm", "--format", "token")
        yield self.program("python -c pass", "python", "-c", "pass")
        yield self.program("python -I -S -E -c pass", "python", "-I", "-S", "-E", "-c", "pass")
        yield self.program("hexauth get", "hexauth", "get", given=self.request)
        yield self.program(
            "git-credential-hexauth get", "git-credential-hexauth", "get", given=self.request
        )
        yield self.program("hexauth get hexpm --format token", *get)
        yield self.program("hexauth-bazel get", "hexauth-bazel", "get", given=uri)
        yield self.program("the same from the Secret Service", *get, cache="off")
        yield from peers.installed(self.environ, self.folder, self.scripts, self.token)
        yield from self.fills()

    def fills(self) -> Iterator[Program]:
        """Yield `git credential fill` with hexauth as its helper, and with libsecret's."""
        git = shutil.which("git")
        libsecret = peers.libsecret_helper(self.folder)
        if git is None:
            return
        helpers = {"hexauth": (str(self.scripts / "git-credential-hexauth"), self.request)}
        if libsecret:
            helpers["libsecret"] = (libsecret, peers.REQUEST)
        for name, (helper, request) in helpers.items():
            words = [git, "-c", "credential.helper=", "-c", f"credential.helper={helper}"]
            words += ["credential", "fill"]
            yield Program(
                f"git credential fill, {name}", words, self.environ, request, self.token.encode()
            )

    def rejected(self, size: int) -> float:
        """Return how long a crowd takes that finds its token rejected, and no cache at all."""
        self.sandbox.hexpm.reject_access_tokens()
        token = self.run("hexauth", "get", "hexpm", "--format", "token").strip()
        told = b"username=oauth2\npassword=" + token + b"\n"
        self.run("hexauth", "erase", given=self.request.rstrip(b"\n") + b"\n" + told)
        self.forget()
        self.sandbox.faults.add(parse("slow:0.3@refresh"))
        before = self.sandbox.journal.counts()["refresh"]
        took = crowd(self.program("get", "hexauth", "get", "hexpm", "--format", "header"), size)
        if self.sandbox.journal.counts()["refresh"] != before + 1:
            raise SystemExit("a crowd has refreshed more than once")
        return took

    def forget(self) -> None:
        """Remove what is cached."""
        for folder in hot.folders(self.environ):
            with suppress(OSError):
                Path(folder, str(hot.file_name(self.environ))).unlink()


def wake_up(folder: Path, times: int) -> float:
    """Return the median of the milliseconds from a mutex's release to the next one's turn."""
    path, took = folder / "wake.lock", []
    words = [sys.executable, "-c", WAITER, str(path), str(times)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None  # noqa: S101  (for types: both are pipes)
        assert child.stdout is not None  # noqa: S101
        for _ in range(times):
            with Mutex(path).held(60):
                print(file=child.stdin, flush=True)
                while f" {child.pid} " not in Path("/proc/locks").read_text():
                    pass
                begin = time_ns()
            took.append((int(child.stdout.readline()) - begin) / 1e6)
    return statistics.median(took)


def time_ns() -> int:
    """Return the clock that all processes share, in nanoseconds."""
    import time

    return time.monotonic_ns()


def machine() -> Iterator[str]:
    """Yield lines that name this machine and what is installed on it."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "?")
    yield f"- {os.cpu_count()} x {model}, {system}, Linux {platform.release()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("hexauth", "keyring", "click"))
    yield f"- Python {platform.python_version()}, {packages}"
    for words in (["git", "--version"], ["gnome-keyring-daemon", "--version"]):
        if shutil.which(words[0]):
            said = subprocess.run(words, capture_output=True, check=False, text=True).stdout
            yield f"- {said.splitlines()[0]}"


def report(bench: Bench, options: argparse.Namespace) -> Iterator[str]:
    """Measure, and yield the lines of the report."""
    programs = list(bench.programs())
    interleave(programs, options.rounds)
    by_name = {program.name: program for program in programs}
    for program in programs:
        program.memory = peak(program)
    bare, hit = by_name["python -c pass"], by_name["hexauth get"]
    yield from ["# What an answer costs", "", *machine(), ""]
    yield f"One program at a time, medians of {options.rounds} interleaved rounds; ratios are to"
    yield "`python -c pass` of the same environment, round by round. Every program hands out a"
    yield f"secret of {len(bench.token)} characters."
    yield from ["", "| program | wall, ms | CPU, ms | ratio, wall | ratio, CPU | memory, MiB |"]
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in programs:
        wall, cpu = statistics.median(each.wall), statistics.median(each.cpu)
        yield (
            f"| {each.name} | {wall:.2f} | {cpu:.2f} | {each.ratio(bare):.2f}"
            f" | {each.ratio(bare, 'cpu'):.2f} | {each.memory / 1024:.1f} |"
        )
    yield from ["", f"At once, medians of {options.repetitions}, until the last has ended:", ""]
    yield from [
        "| processes | `python -c pass`, ms | hits, ms | ratio |",
        "| --- | --- | --- | --- |",
    ]
    ratios = []
    for size in options.crowds:
        pairs = [(crowd(bare, size), crowd(hit, size)) for _ in range(options.repetitions)]
        bares, hits = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratios.append((size, bares, statistics.median(hits / bares for bares, hits in pairs)))
        yield f"| {size} | {bares:.0f} | {hits:.0f} | {ratios[-1][2]:.2f} |"
    size, bares, ratio = ratios[0]
    late = statistics.median(bench.rejected(size) for _ in range(options.repetitions))
    yield ""
    yield f"{size} with a rejected token, an empty cache and a refresh of 0.3 s: {late:.0f} ms."
    wake = wake_up(bench.folder, options.wake_ups)

    def to(name: str, base: str) -> float | None:
        known = name in by_name and base in by_name
        return by_name[name].ratio(by_name[base]) if known else None

    figures: list[Figure] = [
        ("hit / python -c pass, wall", hit.ratio(bare), 0.95, False),
        ("hit / python -c pass, CPU", hit.ratio(bare, "cpu"), 0.95, False),
        ("hit / secret-tool lookup", to("hexauth get", "secret-tool lookup"), 0.85, False),
        (
            "git credential fill, hexauth / libsecret",
            to("git credential fill, hexauth", "git credential fill, libsecret"),
            0.85,
            False,
        ),
        ("keyring get / hit", to("keyring get", "hexauth get"), 15, True),
        (f"{size} hits at once / {size} x python -c pass", ratio, 0.95, False),
        (
            "stored token, cache empty, Secret Service / keyring get",
            to("the same from the Secret Service", "keyring get"),
            0.75,
            False,
        ),
        ("a waiter's wake-up after a release, ms", wake, 5, False),
        ("a hit's memory beyond python -c pass, MiB", (hit.memory - bare.memory) / 1024, 1, False),
        (
            f"{size} with a rejected token / (2 x {size} x python -c pass + 0.5 s)",
            late / (2 * bares + 500),
            1,
            False,
        ),
    ]
    yield from ["", "| figure | found | limit | |", "| --- | --- | --- | --- |"]
    for what, found, limit, more in figures:
        if found is None:
            yield f"| {what} | | | a peer is not installed |"
            continue
        met = found >= limit if more else found <= limit
        sign = "≥" if more else "≤"
        yield f"| {what} | {found:.2f} | {sign} {limit:g} | {'met' if met else 'MISSED'} |"


def main() -> None:
    """Run the benchmark that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scripts", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--crowds", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--wake-ups", type=int, default=100)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    server = Options(approve_after=0, interval=0.2, rate_limit=None, user=LONG_NAME)
    with (
        tempfile.TemporaryDirectory(prefix="hx-bench-") as folder,
        running("password") as (environ, _),
        Sandbox(server) as sandbox,
    ):
        bench = Bench(options.scripts.absolute(), Path(folder), environ, sandbox)
        lines = []
        try:
            for line in report(bench, options):
                print(line, flush=True)  # noqa: T201  (it is what this program is for)
                lines.append(line)
        finally:
            bench.forget()
            git = ["git", "credential-cache", "--socket", f"{folder}/socket/s", "exit"]
            subprocess.run(git, check=False, capture_output=True)
    if options.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
