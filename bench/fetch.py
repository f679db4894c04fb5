"""Measure what the proxy costs: fetching through it, and straight, in one interleaved run.

The server has TLS, as Hex has; for mix alone it has not. Run it with an interpreter that has
hexauth's extra `dev`; `--scripts` names the folder of the programs to measure.
"""

import argparse
import os
import random
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import signed_by_itself
from tests.hex_registry import REAL, Mix, private_names

FILE_BYTES, CONNECTIONS = 4096, 8

STRAIGHT, BY_HAND, THROUGH = "straight", "with the token by hand", "through"

MEMORY = 64
"""The most MiB that the proxy may take."""


@dataclass(frozen=True)
class Sizes:
    """How much is fetched; what each is called in the tables."""

    files: int = 300
    megabytes: int = 300
    packages: int = 30

    @property
    def small(self) -> str:
        """Many small files."""
        return f"{self.files} files"

    @property
    def big(self) -> str:
        """One big file."""
        return f"one file of {self.megabytes} MB"

    @property
    def build(self) -> str:
        """What mix fetches."""
        return f"mix deps.get of {self.packages}"

    @property
    def limits(self) -> dict[tuple[str, str], float]:
        """What may be compared with what, and how much more the proxy may take."""
        return {
            (self.small, STRAIGHT): 1.5,
            (self.big, STRAIGHT): 1.2,
            (self.build, BY_HAND): 1.15,
        }


@dataclass
class Work:
    """Something that is done again and again; the samples, in milliseconds, gather here."""

    name: str
    words: list[str]
    environ: Mapping[str, str]
    folder: Path = Path("/")
    leaves: tuple[str, ...] = ()
    """What it leaves in its folder, and what is removed each time."""
    wall: list[float] = field(default_factory=list)

    def sample(self) -> None:
        """Do it once; raises SystemExit if it fails."""
        begin = time.perf_counter_ns()
        done = subprocess.run(
            self.words, env=self.environ, cwd=self.folder, capture_output=True, check=False
        )
        self.wall.append((time.perf_counter_ns() - begin) / 1e6)
        for path in (self.folder / name for name in self.leaves):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name} has failed: {done.stderr.decode()}")

    @property
    def median(self) -> float:
        """The median of the samples."""
        return statistics.median(self.wall)


class Bench:
    """A Hex server with a registry, a login there, and a proxy beside it."""

    def __init__(
        self, scripts: Path, folder: Path, sandbox: Sandbox, certificate: Path | None = None
    ) -> None:
        self.scripts, self.folder, self.sandbox = scripts, folder, sandbox
        self.environ = {
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "HEXAUTH_HOME": str(folder / "h"),
            "HEXAUTH_VAULT": "file",
            "HEX_API_URL": sandbox.api_url,
            "HEX_TRUSTED_MIRROR_URL": str(sandbox.repository_url),
            **({"HEX_CACERTS_PATH": str(certificate)} if certificate else {}),
            "NO_PROXY": "127.0.0.1",
        }
        self.certificate = certificate

    def run(self, *words: str) -> str:
        """Run one of hexauth's commands, and return what it prints."""
        path = str(self.scripts / words[0])
        done = subprocess.run([path, *words[1:]], env=self.environ, check=True, capture_output=True)
        return done.stdout.decode().strip()

    @contextmanager
    def proxy(self) -> Iterator[tuple[str, int]]:
        """Run a proxy; hand out where its repository is, and its process id."""
        words = [str(self.scripts / "hexauth"), "proxy"]
        with subprocess.Popen(
            words, env=self.environ, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout  # noqa: S101
            lines = [process.stdout.readline() for _ in range(5)]
            (line,) = (each for each in lines if "HEX_TRUSTED_MIRROR_URL=" in each)
            try:
                yield line.strip().partition("=")[2].strip("'"), process.pid
            finally:
                process.terminate()

    def fetching(self, through: str, sizes: Sizes) -> Iterator[Work]:
        """Yield what is fetched by curl, straight and through the proxy."""
        header = self.folder / "header"
        header.write_text(self.run("hexauth", "get", "hexpm", "--format", "header"))
        straight = ["--cacert", str(self.certificate), "--header", f"@{header}"]
        ways = {STRAIGHT: (str(self.sandbox.repository_url), straight), THROUGH: (through, [])}
        curl = [str(shutil.which("curl")), "--silent", "--show-error", "--fail"]
        for way, (url, options) in ways.items():
            base = f"{url}/repos/acme/tarballs"
            listed = self.folder / way
            one = f'url = "{base}/small-{{}}"\noutput = "/dev/null"\n'
            listed.write_text("".join(one.format(n) for n in range(sizes.files)))
            many = ["--parallel", "--parallel-max", str(CONNECTIONS), "--config", str(listed)]
            yield Work(f"{sizes.small}, {way}", [*curl, *options, *many], self.environ)
            big = ["--output", "/dev/null", f"{base}/big"]
            yield Work(f"{sizes.big}, {way}", [*curl, *options, *big], self.environ)

    def starting(self) -> Iterator[Work]:
        """Yield what a command beside a proxy costs that fetches nothing."""
        python, hexauth = (str(self.scripts / name) for name in ("python", "hexauth"))
        true = str(shutil.which("true"))
        yield Work("python -c pass", [python, "-c", "pass"], self.environ)
        yield Work("true", [true], self.environ)
        yield Work("hexauth exec -- true", [hexauth, "exec", "--", true], self.environ)

    def building(self, mix: Mix, sizes: Sizes) -> Iterator[Work]:
        """Yield `mix deps.get` of private packages, with the token by hand and by `exec`."""
        token = f"Bearer {self.run('hexauth', 'get', 'hexpm', '--format', 'token')}"
        for way in (BY_HAND, THROUGH):
            application = self.folder / f"application-{way.split()[0]}"
            folder = mix.application(application, private=private_names(sizes.packages))
            environ = {**self.environ, **mix.environ(folder)}
            words = [str(shutil.which("mix")), "deps.get"]
            if way == THROUGH:
                words = [str(self.scripts / "hexauth"), "exec", "--", *words]
            else:
                off = [words[0], "hex.repo", "set", "hexpm", "--no-oauth-exchange"]
                subprocess.run(off, env=environ, cwd=folder, check=True, capture_output=True)
                environ["HEX_REPOS_KEY"] = token
            leaves = ("deps", "mix.lock", ".hex/packages", ".hex/cache.ets")
            yield Work(f"{sizes.build}, {way}", words, environ, folder, leaves)


def interleave(works: list[Work], rounds: int) -> None:
    """Do everything once a round, in a new order each time: drift hits all alike."""
    for work in works:
        work.sample()
        work.wall.clear()
    for _ in range(rounds):
        for work in random.sample(works, len(works)):
            work.sample()


def peak(pid: int) -> float:
    """Return the peak of a process's resident memory, in MiB (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def report(works: list[Work], memory: float, sizes: Sizes) -> str:
    """Return the tables."""
    found = {work.name: work.median for work in works}
    lines = ["| what | median, ms |", "| --- | --- |"]
    lines += [f"| {name} | {median:.1f} |" for name, median in found.items()]
    lines += ["", "| figure | found | limit | |", "| --- | --- | --- | --- |"]
    exec_ = (found["hexauth exec -- true"] - found["true"]) / found["python -c pass"]
    figures = [("hexauth exec -- true over true / python -c pass", exec_, 2.5)]
    for (name, other), limit in sizes.limits.items():
        if f"{name}, {THROUGH}" in found:
            ratio = found[f"{name}, {THROUGH}"] / found[f"{name}, {other}"]
            figures.append((f"{name}, {THROUGH} / {other}", ratio, limit))
    figures.append(("the proxy's memory, MiB", memory, MEMORY))
    for name, value, limit in figures:
        met = "met" if value <= limit else "not met"
        lines.append(f"| {name} | {value:.2f} | ≤ {limit:g} | {met} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scripts", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--rounds", type=int, default=15)
    for size in fields(Sizes):
        parser.add_argument(f"--{size.name}", type=int, default=size.default)
    given = parser.parse_args()
    sizes = Sizes(given.files, given.megabytes, given.packages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archives = sorted(REAL.glob("hex-*.ez")) if shutil.which("mix") else []
        mix = Mix(folder, archives[-1]) if archives else None
        registry = folder / "registry"
        if mix is not None:
            shutil.copytree(mix.registry(private=sizes.packages), registry)
        tarballs = registry / "repos/acme/tarballs"
        tarballs.mkdir(parents=True, exist_ok=True)
        for n in range(sizes.files):
            (tarballs / f"small-{n}").write_bytes(os.urandom(FILE_BYTES))
        with (tarballs / "big").open("wb") as file:
            file.truncate(sizes.megabytes * 1024 * 1024)
        certificate = signed_by_itself(folder / "server.pem")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        options = Options(approve_after=0, interval=0.1, rate_limit=None, registry=registry)
        with Sandbox(options, tls=tls) as sandbox, Sandbox(options) as plain:
            bench = Bench(given.scripts, folder, sandbox, certificate)
            other = Bench(given.scripts, folder, plain)
            for each in (bench, other):
                each.run("hexauth", "login", "--no-browser")
            with bench.proxy() as (url, pid):
                works = [*bench.starting(), *bench.fetching(url, sizes)]
                works += [] if mix is None else other.building(mix, sizes)
                interleave(works, given.rounds)
                memory = peak(pid)
    print(report(works, memory, sizes))  # noqa: T201


if __name__ == "__main__":
    main()
