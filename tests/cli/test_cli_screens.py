"""What a person sees while a login waits: screens of a real terminal, kept as text.

A screen that has changed is written anew with SCREENS=write, to be looked at and committed.
"""

import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, need
from tests.waiting import until

KEPT = Path(__file__).parent / "screens"

SAME = (
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:54321"),
    (r"_code=\w{8}", "_code=BCDFGHJK"),
    (r"(?<![A-Z0-9-])[B-Z0-9]{4}-[B-Z0-9]{4}(?![A-Z0-9-])", "BCDF-GHJK"),
    (r"\b\d:\d\d left", "9:59 left"),
    (r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", "2026-12-24 18:00 UTC"),
    (r"/tmp/hx-\w{8}", "/tmp/hx-abcdefgh"),
    (r"rocess \d+", "rocess 12345"),
    (r"(?m)^(\x1b\[\S*m)*[█▀▄ ]{20,}(\x1b\[\S*m)*$", "█▀▄"),
    (r"(█▀▄\n)+", "█▀▄ (a QR code)\n"),
)
"""What differs from run to run, and what stands for it; as long as it, where lines wrap."""

WAITS = r"left\b"
LOGIN = "hexauth login"
ENDED = r"exit \d+"


class Terminals:
    """Terminals of given sizes, as tmux has them; hexauth is what runs in each."""

    def __init__(self, folder: Path) -> None:
        self._words = [need("tmux", "tmux"), "-S", str(folder / "tmux"), "-f", "/dev/null"]

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            [*self._words, *words], capture_output=True, check=True, timeout=60, text=True
        )
        return done.stdout

    def open(
        self, machine: Machine, command: str, columns: int, lines: int, environ: Mapping[str, str]
    ) -> str:
        """Run `command` in a new terminal, and show there how it has ended; return its name."""
        name = f"t{secrets.token_hex(4)}"
        said = [f"{key}={value}" for key, value in {**machine.environ, **environ}.items()]
        script = f"{command}; echo exit $?; exec sleep 600"
        size = ["-x", str(columns), "-y", str(lines)]
        run = ["env", "-i", *said, "sh", "-c", f"trap : INT; {script}"]
        self._tmux("new-session", "-d", "-s", name, *size, *run)
        return name

    def press(self, name: str, key: str) -> None:
        """Press a key in a terminal."""
        self._tmux("send-keys", "-t", name, key)

    def shown(self, name: str, pattern: str, *, colors: bool = False) -> str:
        """Return what a terminal shows once it has `pattern` in it; what differs is evened out."""

        def seen() -> str:
            text = self._tmux("capture-pane", "-p", *(["-e"] if colors else []), "-t", name)
            return text.rstrip("\n") + "\n"

        until(lambda: re.search(pattern, seen()) is not None)
        text = seen()
        for here, there in SAME:
            text = re.sub(here, there, text)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

    def close(self) -> None:
        """End all terminals."""
        subprocess.run([*self._words, "kill-server"], capture_output=True, check=False)


@pytest.fixture(scope="module")
def terminals() -> Iterator[Terminals]:
    with tempfile.TemporaryDirectory(prefix="hx-tmux-") as folder:
        found = Terminals(Path(folder))
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Options(interval=0.1, rate_limit=None)) as found:
        yield found


@pytest.fixture
def here(sandbox: Sandbox) -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as folder:
        machine = Machine(Path(folder), sandbox.api_url)
        machine.environ["HEXAUTH_HOME"] = folder
        yield machine


def check(name: str, screen: str) -> None:
    """Compare a screen with the one that is kept under `name`."""
    path = KEPT / f"{name}.txt"
    if os.environ.get("SCREENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(screen, "utf-8")
    assert screen == path.read_text("utf-8")


def answer(sandbox: Sandbox, *, approve: bool) -> None:
    sandbox.hexpm.answer(sandbox.hexpm.grants()[-1], approve=approve)


COLORED = {"TERM": "screen-256color", "BROWSER": "/bin/true"}

SSH = COLORED | {"BROWSER": "", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}

SIZES = {
    "40": (40, 30, COLORED),
    "80": (80, 24, COLORED),
    "120": (120, 40, COLORED),
    "200": (200, 24, COLORED),
    "80-no-color": (80, 24, COLORED | {"NO_COLOR": "1"}),
    "80-dumb": (80, 24, COLORED | {"TERM": "dumb"}),
    "40-plain": (40, 24, COLORED | {"HEXAUTH_SCREEN": "plain"}),
    "80-ssh": (80, 40, SSH),
    "80-ssh-small": (80, 24, SSH),
    "80-ascii": (80, 40, SSH | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
}


@pytest.mark.parametrize("name", SIZES)
def test_login_fits_its_terminal(
    terminals: Terminals, sandbox: Sandbox, here: Machine, name: str
) -> None:
    """Waiting, and approved; with the colors that the terminal was sent."""
    columns, lines, environ = SIZES[name]
    window = terminals.open(here, "hexauth login", columns, lines, environ)
    waits = "open it" if name in ("80-dumb", "40-plain") else WAITS

    check(f"login-{name}-waiting", terminals.shown(window, waits, colors=True))
    answer(sandbox, approve=True)
    check(f"login-{name}-approved", terminals.shown(window, ENDED, colors=True))


def test_scopes_that_were_not_granted_are_told(
    terminals: Terminals, sandbox: Sandbox, here: Machine
) -> None:
    window = terminals.open(here, LOGIN, 80, 24, COLORED)
    terminals.shown(window, WAITS)

    sandbox.hexpm.answer(sandbox.hexpm.grants()[-1], approve=True, scope=["api:read"])

    check("login-less", terminals.shown(window, ENDED))


def test_declined_is_told(terminals: Terminals, sandbox: Sandbox, here: Machine) -> None:
    window = terminals.open(here, LOGIN, 80, 24, COLORED)
    terminals.shown(window, WAITS)

    answer(sandbox, approve=False)

    check("login-declined", terminals.shown(window, ENDED))


def test_ctrl_c_is_one_calm_line(terminals: Terminals, sandbox: Sandbox, here: Machine) -> None:
    window = terminals.open(here, LOGIN, 80, 24, COLORED)
    terminals.shown(window, WAITS)

    terminals.press(window, "C-c")

    check("login-interrupted", terminals.shown(window, ENDED))


def test_fault_is_shown_and_passes(terminals: Terminals, sandbox: Sandbox, here: Machine) -> None:
    window = terminals.open(here, LOGIN, 80, 24, COLORED)
    terminals.shown(window, WAITS)

    sandbox.faults.add(parse("503@poll"))
    check("login-faulty", terminals.shown(window, "answers again"))
    answer(sandbox, approve=True)
    terminals.shown(window, ENDED)


def test_expired_is_told(terminals: Terminals, here: Machine) -> None:
    with Sandbox(Options(interval=0.1, rate_limit=None, expires_in=0.5)) as brief:
        here.environ["HEX_API_URL"] = brief.api_url
        window = terminals.open(here, LOGIN, 80, 24, COLORED)

        check("login-expired", terminals.shown(window, ENDED))


def test_whoever_waits_sees_the_same_and_for_whom(
    terminals: Terminals, sandbox: Sandbox, here: Machine
) -> None:
    """In another terminal; in the same one, where the first stands above it, one line is enough."""
    script = here.home / "deploy.sh"
    script.write_text("hexauth get hexpm > /dev/null\n")
    environ = COLORED
    first = terminals.open(here, f"sh {script} & sleep 600", 80, 24, environ)
    terminals.shown(first, WAITS)
    # Wide enough for a number of any length.
    second = terminals.open(here, "hexauth get hexpm > /dev/null", 120, 24, environ)
    seen = terminals.shown(second, WAITS)
    answer(sandbox, approve=True)

    check("get-asking", terminals.shown(first, "why there"))
    check("get-waiting", seen)
    check("get-waited", terminals.shown(second, ENDED))


def test_keys_copy_the_code_and_open_the_browser(
    terminals: Terminals, sandbox: Sandbox, here: Machine
) -> None:
    program = here.home / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {here.home}/opened\n')
    program.chmod(0o700)
    environ = COLORED | {"BROWSER": str(program), "HEXAUTH_BROWSER": "enter"}
    window = terminals.open(here, "hexauth login", 80, 24, environ)
    check("login-enter-waiting", terminals.shown(window, WAITS))

    for key in ("e", "c", "h", "o", "Enter"):  # a command, typed ahead: it is none of ours
        terminals.press(window, key)
    terminals.press(window, "c")
    terminals.shown(window, "clipboard")
    assert not (here.home / "opened").exists()
    terminals.press(window, "Enter")
    check("login-enter-opened", terminals.shown(window, "has been asked to open it"))
    until((here.home / "opened").exists)
    answer(sandbox, approve=True)
    terminals.shown(window, ENDED)

    code = sandbox.hexpm.grants()[-1].user_code
    assert (here.home / "opened").read_text().strip().endswith(code)
