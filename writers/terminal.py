"""A real terminal, 80 columns by 24 lines: a shell in it is typed to, and what it shows is read."""

import re
import shutil
import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

COLUMNS, LINES = 80, 24

SECONDS = 60
"""The longest that a command which is typed may take."""

PROMPT = "$ "

CONFIGURATION = """
set -g status off
set -g default-terminal screen-256color
set -g history-limit 2000
"""

ESCAPE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Select Graphic Rendition (ECMA-48 section 8.3.117), or a command such as a link (OSC 8)."""


@dataclass(frozen=True)
class Look:
    """How characters look; a color is the number of one of the palette's 16, `#rrggbb`, or ``."""

    color: str = ""
    ground: str = ""
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underlined: bool = False
    reversed: bool = False


@dataclass(frozen=True)
class Run:
    """Characters that look alike, from `column` on; `width` is how many columns they take."""

    column: int
    text: str
    look: Look

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return columns(self.text)


class Terminal:
    """A shell in a terminal of tmux(1), reached by the command `tmux`."""

    def __init__(self, tmux: Sequence[str]) -> None:
        self.tmux = tmux

    def type(self, line: str) -> None:
        """Type `line` and Enter, and wait until what it runs has ended.

        Raises `subprocess.TimeoutExpired` if that takes longer than `SECONDS`.
        """
        self._run("send-keys", "-t", "0", "-l", line)
        self._run("send-keys", "-t", "0", "Enter")
        self.wait()

    def wait(self) -> None:
        """Wait until the next prompt stands there; bash tells of it just before it prints it."""
        self._run("wait-for", "prompt")
        end = time.monotonic() + SECONDS
        while self._capture().rstrip("\n").rpartition("\n")[2] != PROMPT.rstrip():
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("tmux", SECONDS)
            time.sleep(0.02)

    def read(self) -> str:
        """Return all it has shown, with its colors; lines that were too long are whole again."""
        text = self._capture("-e", "-J", "-S", "-").strip("\n")
        return text.removesuffix(PROMPT.rstrip()).rstrip("\n")

    def _capture(self, *options: str) -> str:
        lines = self._run("capture-pane", "-t", "0", "-p", *options).splitlines()
        return "\n".join(line.rstrip() for line in lines)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self.tmux, *words], capture_output=True, timeout=SECONDS, check=True
        )
        return done.stdout.decode("utf-8")


@contextmanager
def terminal(environ: Mapping[str, str], folder: Path) -> Iterator[Terminal]:
    """Start bash in a terminal, in `folder`, with `environ` and nothing else; end both.

    Raises `FileNotFoundError` where tmux or bash is missing.
    """
    tmux, bash = (_program(name, environ) for name in ("tmux", "bash"))
    with tempfile.TemporaryDirectory(prefix="hexauth-terminal-") as place:
        configuration = Path(place, "tmux.conf")
        configuration.write_text(CONFIGURATION)
        words = [tmux, "-S", str(Path(place, "socket")), "-f", str(configuration)]
        told = f"{tmux} -S {place}/socket wait-for -S prompt"
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        subprocess.run(
            [*words, "new-session", "-d", *size, bash, "--norc", "--noprofile", "--noediting"],
            env={**environ, "PS1": PROMPT, "PROMPT_COMMAND": told, "HISTFILE": "/dev/null"},
            cwd=folder,
            timeout=SECONDS,
            check=True,
        )
        here = Terminal(words)
        try:
            here.wait()
            yield here
        finally:
            subprocess.run([*words, "kill-server"], timeout=SECONDS, check=True)


def _program(name: str, environ: Mapping[str, str]) -> str:
    found = shutil.which(name, path=environ.get("PATH"))
    if found is None:
        raise FileNotFoundError(f"{name} is missing: install it.")
    return found


def rows(shown: str, width: int = COLUMNS) -> list[list[Run]]:
    """Return the runs of each line that a terminal has shown; none is wider than `width`."""
    look, found = Look(), list[list[Run]]()
    for line in shown.split("\n"):
        row, at = list[Run](), 0
        for text, codes in _pieces(line):
            look = look if codes is None else _changed(look, codes)
            for part in _fitting(text, width, at):
                if part is None:
                    found.append(row)
                    row, at = [], 0
                    continue
                row.append(Run(at, part, look))
                at += columns(part)
        found.append(row)
    return found


def plain(shown: str) -> str:
    """Return what a terminal has shown without its colors."""
    return ESCAPE.sub("", shown)


def columns(text: str) -> int:
    """Return how many columns `text` takes; accents stand over what is before them."""
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def _pieces(line: str) -> Iterator[tuple[str, str | None]]:
    """Return each text, and before it the codes that change how it looks, or None."""
    at = 0
    for found in ESCAPE.finditer(line):
        yield line[at : found.start()], None
        yield "", found[1]
        at = found.end()
    yield line[at:], None


def _fitting(text: str, width: int, at: int) -> Iterator[str | None]:
    """Return `text` in parts, from column `at` on, and None where a line is full."""
    part = ""
    for each in text:
        if at + columns(part + each) > width:
            yield from ([part] if part else [])
            yield None
            part, at = "", 0
        part += each
    if part:
        yield part


FLAGS: Mapping[int, tuple[str, bool]] = {
    1: ("bold", True),
    2: ("dim", True),
    3: ("italic", True),
    4: ("underlined", True),
    7: ("reversed", True),
    23: ("italic", False),
    24: ("underlined", False),
    27: ("reversed", False),
}


def _changed(look: Look, codes: str) -> Look:
    """Return `look` after the parameters `codes` of one sequence; unknown ones change nothing."""
    left = [int(code or 0) for code in re.split("[;:]", codes)]
    while left:
        code = left.pop(0)
        if code == 0:
            look = Look()
        elif code == 22:
            look = replace(look, bold=False, dim=False)
        elif code in FLAGS:
            name, value = FLAGS[code]
            look = _with(look, name, value)
        elif code in (38, 48):
            look = _with(look, "color" if code == 38 else "ground", _color(left))
        elif 30 <= code <= 39 or 90 <= code <= 97:
            look = replace(look, color=_named(code))
        elif 40 <= code <= 49 or 100 <= code <= 107:
            look = replace(look, ground=_named(code - 10))
    return look


def _with(look: Look, name: str, value: str | bool) -> Look:
    changed: dict[str, Any] = {name: value}
    return replace(look, **changed)


def _named(code: int) -> str:
    """Return the color of the palette that a code for text stands for; 39 is the usual one."""
    return "" if code == 39 else str(code - 30 if code < 90 else code - 82)


def _color(left: list[int]) -> str:
    """Take a color's parameters from `left`: `5;N`, of 256, or `2;R;G;B`."""
    kind = left.pop(0) if left else 0
    if kind == 2 and len(left) >= 3:
        return "#{:02x}{:02x}{:02x}".format(*(left.pop(0) for _ in range(3)))
    if kind != 5 or not left:
        left.clear()
        return ""
    number = left.pop(0)
    if number < 16:
        return str(number)
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    parts = ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6)
    return "#" + "".join(f"{55 + 40 * part if part else 0:02x}" for part in parts)
