"""Commands that are killed before any system call by which they can change something, or it fails.

Every write counts as one that may be cut off: afterwards each secret is the old one or the new one,
`status` works, and the command does its work when it is run again. Run as a program, it tries every
call of every command: `sh scripts/kill`.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine
from tests.homes import home, log_in

CALLS = (
    "?openat,?write,?writev,?pwrite64,?rename,?renameat,?renameat2,?unlink,?unlinkat,?mkdir,"
    "?mkdirat,?rmdir,?truncate,?ftruncate,?chmod,?fchmod,?fchmodat,?fsync,?fdatasync,?flock,"
    "?link,?linkat,?symlink,?symlinkat,?sendto,?sendmsg,?connect"
)
"""What can change something, here or at a server; not every kind of machine has all of them."""

FAULTS = {
    "openat": "EMFILE",
    "write": "ENOSPC",
    "fsync": "EIO",
    "rename": "EDQUOT",
    "renameat": "EDQUOT",
    "mkdir": "EROFS",
    "truncate": "EIO",
    "fchmod": "EIO",
}
"""How calls fail: too many open files, a full disk, a broken one, a quota, a read-only one."""

TRACE = re.compile(r"(\d+) +(\w+)\((.*)")

LOST = "the new token was lost between the server's answer and the first write"
"""What no program can help: the server has spent the refresh token, and this one died of it."""

GIT = "protocol=https\nhost=git.test\nusername=alice\n"


@dataclass(frozen=True)
class Point:
    """The moment before the call called `name` is made for the `number`-th time."""

    name: str
    number: int
    error: str = ""
    """The error that it ends with, if the process is not to be killed."""

    @property
    def injection(self) -> str:
        """What makes it so, see strace(1)."""
        what = f"error={self.error}" if self.error else "signal=SIGKILL"
        return f"inject={self.name}:{what}:when={self.number}"


@dataclass
class Scene:
    """A machine of its own, a server, and what was true before the command."""

    machine: Machine
    sandbox: Sandbox
    memory: Path
    trace: Path
    old: str = ""
    notes: list[str] = field(default_factory=list)

    def get(self) -> tuple[int, str]:
        """Return how `get hexpm` ends, and whether the server takes what it gives."""
        done = self.machine.prepare("hexauth", "get", "hexpm", "--format", "token", "--no-login")
        token = done.stdout.decode().strip()
        if done.returncode == 0 and self.sandbox.hexpm.authenticate(f"Bearer {token}") is None:
            return 0, "refused by the server"
        return done.returncode, done.stderr.decode()

    def stored(self) -> str:
        """Return the password that git would be given."""
        done = self.machine.prepare("hexauth", "get", "--no-login", give=f"{GIT}\n".encode())
        return "".join(re.findall(r"^password=(.*)$", done.stdout.decode(), re.MULTILINE))


@dataclass(frozen=True)
class Command:
    """A command, what there is before it, and what must be true once it was killed."""

    words: tuple[str, ...]
    prepare: Callable[[Scene], None]
    inspect: Callable[[Scene], Iterator[str]]
    """Yields what is wrong."""
    give: str = ""


def _with_login(scene: Scene) -> None:
    """Log in, and let the next one who needs it refresh."""
    here = home(scene.machine.home / "hexauth", scene.machine.environ)
    try:
        log_in(here, scene.sandbox, access=None)
        scene.sandbox.hexpm.reject_access_tokens()
    finally:
        here.close()


def _with_password(scene: Scene) -> None:
    done = scene.machine.prepare("hexauth", "store", give=f"{GIT}password=OLD\n\n".encode())
    assert done.returncode == 0, done.stderr


def _with_files(scene: Scene) -> None:
    (scene.machine.home / ".git-credentials").write_text(
        "https://alice:NEW@git.test\nno URL\nhttps://bob:OTHER@other.test\n"
    )
    (scene.machine.home / ".gitconfig").write_text("[user]\n\tname = Alice\n")


def _is_logged_in(scene: Scene) -> Iterator[str]:
    """Nothing is lost: not the old login, before the new one is there."""
    code, said = scene.get()
    if (code, said) != (0, ""):
        yield f"get ends with {code}: {said}"


def _is_refreshed(scene: Scene) -> Iterator[str]:
    """Find the session alive, unless it ended in the one moment that cannot be helped."""
    rotated = scene.sandbox.journal.counts()["refresh"] > 0
    code, said = scene.get()
    if (code, said) == (0, ""):
        return
    if rotated and not _is_kept(scene.trace) and code == 3 and "hexauth login" in said:
        scene.notes.append(LOST)
        return
    yield f"get ends with {code} (the server has rotated: {rotated}): {said}"


def _is_kept(trace: Path) -> bool:
    """Tell whether a token has reached the memory, or the vault."""
    lines = trace.read_text("utf-8", "replace").splitlines()
    done = [line for line in lines if "rename" in line and line.endswith("= 0")]
    return any("unsaved-" in line or "vault.json" in line for line in done)


def _is_one_of(*passwords: str) -> Callable[[Scene], Iterator[str]]:
    def inspect(scene: Scene) -> Iterator[str]:
        if (found := scene.stored()) not in passwords:
            yield f"the password is {found!r}"

    return inspect


def _is_out_or_in(scene: Scene) -> Iterator[str]:
    code, said = scene.get()
    if code != 3 and (code, said) != (0, ""):
        yield f"get ends with {code}: {said}"


def _has_key_or_none(scene: Scene) -> Iterator[str]:
    done = scene.machine.prepare("hexauth", "key", "list", "--json")
    if done.returncode or not isinstance(json.loads(done.stdout), list):
        yield f"key list ends with {done.returncode}: {done.stderr.decode()}"


def _is_in_file_or_vault(scene: Scene) -> Iterator[str]:
    file = scene.machine.home / ".git-credentials"
    text = file.read_text() if file.exists() else ""
    if scene.stored() != "NEW" and "https://alice:NEW@git.test\n" not in text:
        yield f"the password is in neither place: {text!r}"
    if "no URL\n" not in text:
        yield f"{file} was cut: {text!r}"


def _has_a_whole_file(scene: Scene) -> Iterator[str]:
    found = subprocess.run(
        ["git", "config", "--file", scene.machine.home / ".gitconfig", "user.name"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.stdout != "Alice\n":
        yield f"the file was torn: {found.stderr}"


COMMANDS = {
    "login": Command(("login", "--no-browser", "--force"), _with_login, _is_logged_in),
    "get": Command(("get", "hexpm", "--format", "token", "--no-login"), _with_login, _is_refreshed),
    "logout": Command(("logout",), _with_login, _is_out_or_in),
    "store": Command(
        ("store",), _with_password, _is_one_of("OLD", "NEW"), f"{GIT}password=NEW\n\n"
    ),
    "erase": Command(("erase",), _with_password, _is_one_of("OLD", ""), f"{GIT}password=OLD\n\n"),
    "key add": Command(
        ("key", "add", "hexpm:acme", "--no-verify"),
        lambda _: None,
        _has_key_or_none,
        "0123456789abcdef0123456789abcdef\n",
    ),
    "import": Command(("import", "--yes", "--remove"), _with_files, _is_in_file_or_vault),
    "setup": Command(("setup", "git"), _with_files, _has_a_whole_file),
}


@dataclass
class Outcome:
    """What became of one kill."""

    point: Point
    reached: bool
    wrong: list[str]
    notes: list[str]


class Cutter:
    """Runs one command again and again, and kills it at one system call each time."""

    def __init__(self, name: str, folder: Path) -> None:
        self.command, self._folder = COMMANDS[name], folder
        self._turn = 0

    def points(self, *, faults: bool = False) -> list[Point]:
        """Let the command do its work, and return the calls by which it can change something.

        With `faults` it is told of them that they have failed.
        """
        with self._scene() as scene:
            self._run(scene, None, warm=True)
        with self._scene() as scene:
            done = self._run(scene, None)
            assert done.returncode == 0, done.stderr
            found = list(_changing(scene.trace, output=not faults))
        if not faults:
            return found
        return [replace(one, error=FAULTS[one.name]) for one in found if one.name in FAULTS]

    def cut(self, point: Point) -> Outcome:
        """Kill the command at `point`, and look at what is left."""
        with self._scene() as scene:
            done = self._run(scene, point)
            reached = "(INJECTED)" in scene.trace.read_text("utf-8", "replace")
            wrong = list(_end(done, point, scene.machine.home))
            wrong += self._look(scene, point)
            return Outcome(point, reached or done.returncode != 0, wrong, scene.notes)

    def _look(self, scene: Scene, point: Point) -> Iterator[str]:
        status = scene.machine.prepare("hexauth", "status", "--json")
        if status.returncode not in (0, 3) or status.stderr:
            yield f"status ends with {status.returncode}: {status.stderr.decode()}"
        yield from self.command.inspect(scene)
        if LOST in scene.notes:
            yield from [] if not point.error else [LOST]
            return
        words = ("hexauth", *self.command.words)
        again = scene.machine.prepare(*words, give=self.command.give.encode())
        if again.returncode != 0:
            yield f"run again, it ends with {again.returncode}: {again.stderr.decode()}"
        yield from (f"{path} is left" for path in _left(scene))

    def _run(
        self, scene: Scene, point: Point | None, *, warm: bool = False
    ) -> "subprocess.CompletedProcess[bytes]":
        inject = ["-e", point.injection] if point else []
        # Other calls do not stop, which takes half the time; but strace 6.1 sends no signal then.
        quick = [] if point and not point.error else ["--seccomp-bpf"]
        strace = [
            "strace",
            "-f",
            *quick,
            "-y",
            "-qq",
            "-o",
            str(scene.trace),
            "-e",
            f"trace={CALLS}",
            *inject,
        ]
        words = ["hexauth", *self.command.words]
        give = self.command.give.encode()
        return scene.machine.run(*([] if warm else strace), *words, give=give)

    def _scene(self) -> "_Stage":
        self._turn += 1
        return _Stage(self.command, self._folder / str(self._turn))


class _Stage:
    """Makes a scene, and clears it away."""

    def __init__(self, command: Command, folder: Path) -> None:
        self._command, self._folder = command, folder

    def __enter__(self) -> Scene:
        (self._folder / "home").mkdir(parents=True)
        self._sandbox = Sandbox(Options(interval=0.05, rate_limit=None, approve_after=0))
        sandbox = self._sandbox.__enter__()
        self._memory = Path(tempfile.mkdtemp(prefix="hx-test-", dir="/dev/shm"))
        machine = Machine(self._folder / "home", sandbox.api_url)
        machine.environ["XDG_RUNTIME_DIR"] = str(self._memory)
        scene = Scene(machine, sandbox, self._memory, self._folder / "trace")
        try:
            self._command.prepare(scene)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return scene

    def __exit__(self, *failure: Any) -> None:
        self._sandbox.__exit__(*failure)
        shutil.rmtree(self._memory)
        shutil.rmtree(self._folder)


def _end(done: "subprocess.CompletedProcess[bytes]", point: Point, place: Path) -> Iterator[str]:
    """Yield what is wrong with how the command has ended; its machine's home is at `place`."""
    code, said = done.returncode, done.stderr.decode()
    if not point.error:
        if code not in (0, -9, 137):
            yield f"it ended with {code}: {said}"
    elif code not in (0, 1, 7):
        yield f"it ended with {code}: {said}"
    elif code != 0 and str(place) not in "".join(said.splitlines()[-2:]):
        yield f"it names no file: {said}"


def _changing(trace: Path, *, output: bool) -> Iterator[Point]:
    """Yield the calls in `trace`, of the process that began it, that can change something.

    What is written to standard output and error, and to pipes, counts if `output` does.
    """
    counts: Counter[str] = Counter()
    first = None
    for line in trace.read_text("utf-8", "replace").splitlines():
        if (match := TRACE.match(line)) is None:
            continue
        process, name, rest = match.groups()
        first = first or process
        if process != first:
            continue
        counts[name] += 1
        is_reading = name == "openat" and not re.search(r"O_CREAT|O_WRONLY|O_RDWR|O_TRUNC", rest)
        is_output = name == "write" and re.match(r"[12]<|\d+<pipe:", rest) is not None
        if not is_reading and (output or not is_output):
            yield Point(name, counts[name])


def _left(scene: Scene) -> Iterator[Path]:
    """Yield what killed writers have left that holds a secret which lasts."""
    patterns = {
        scene.machine.home / "hexauth": (".vault.json.*",),
        scene.memory: (".unsaved-*",),
    }
    for folder, names in patterns.items():
        for name in names:
            yield from folder.rglob(name)


def main() -> None:
    """Kill every command at every point, let every call fail, and print a table."""
    parser = argparse.ArgumentParser(prog="scripts/kill", description=__doc__)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=", ".join(COMMANDS))
    parser.add_argument("--sample", type=int, help="try so many points of each command")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    if unknown := ", ".join({*chosen.commands} - {*COMMANDS}):
        parser.error(f"there is no command {unknown}; known are {', '.join(COMMANDS)}")
    failed = False
    click.echo(f"{'command':<10}{'':<8}{'points':>8}{'reached':>9}{'wrong':>7}  seed {chosen.seed}")
    for name in chosen.commands or COMMANDS:
        for faults in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                cutter = Cutter(name, Path(folder))
                points = cutter.points(faults=faults)
                picked = pick(points, chosen.sample or len(points), chosen.seed)
                outcomes = [cutter.cut(point) for point in picked]
            failed = _print(name, "errors" if faults else "kills", outcomes) or failed
    sys.exit(failed)


def _print(name: str, what: str, outcomes: list[Outcome]) -> bool:
    """Print what came of it, and tell whether anything went wrong."""
    reached = sum(each.reached for each in outcomes)
    wrong = [each for each in outcomes if each.wrong]
    click.echo(f"{name:<10}{what:<8}{len(outcomes):>8}{reached:>9}{len(wrong):>7}")
    for text, number in Counter(note for each in outcomes for note in each.notes).items():
        click.echo(f"  {number} times: {text}")
    for each in wrong:
        click.echo(f"  {each.point.injection}: {'; '.join(each.wrong)}")
    return bool(wrong)


def pick(points: list[Point], number: int, seed: int) -> list[Point]:
    """Return so many of `points` as `seed` gives, in their order."""
    chance = random.Random(seed)
    picked = chance.sample(range(len(points)), min(number, len(points)))
    return [points[each] for each in sorted(picked)]


if __name__ == "__main__":
    main()
