"""The picture of a login: recorded from a real one, in a real terminal, at the sandbox."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from writers.terminal import COLUMNS, Look, Run, plain, rows, terminal

FILE = "docs/login.svg"

STEPS = ("hexauth login", "hexauth status")
"""What is typed."""

TITLE = "hexauth login, and hexauth status, in a terminal"

DESCRIPTION = (
    "Recorded from a real run in a terminal of 80 columns. The server was `hexauth sandbox` on "
    "the same machine, which approves the login by itself; its address is shown as https://hex.pm. "
    "The keyring was one made for it, the browser a program that does nothing. The text is:"
)

CELL, LINE, SIZE, PAD = 8.4, 19, 14, 16
"""The width of a column, the height of a line, of a font, and the margin."""

PALETTE = {
    "light": "#24292f #cf222e #116329 #7d4e00 #0550ae #8250df #1b7c83 #57606a "
    "#57606a #a40e26 #1a7f37 #633c01 #0969da #6639ba #3192aa #24292f",
    "dark": "#6e7681 #ff7b72 #3fb950 #d29922 #58a6ff #bc8cff #39c5cf #b1bac4 "
    "#8b949e #ffa198 #56d364 #e3b341 #79c0ff #d2a8ff #56d4dd #f0f6fc",
}
"""The 16 colors, each legible on the page: what is white or black elsewhere is not lost."""

USUAL = (
    *("#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5"),
    *("#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"),
)
"""The 16 colors as terminals have them, for what brings its own ground, such as a QR code."""

PAGES = {"light": ("#f6f8fa", "#24292f", "#d0d7de"), "dark": ("#161b22", "#e6edf3", "#30363d")}
"""The page, the text on it, and the page's edge."""

BLOCKS = {
    "█": ((0, 0, 1, 1),),
    "▀": ((0, 0, 1, 0.5),),
    "▄": ((0, 0.5, 1, 0.5),),
    "▌": ((0, 0, 0.5, 1),),
    "▐": ((0.5, 0, 0.5, 1),),
    "▘": ((0, 0, 0.5, 0.5),),
    "▝": ((0.5, 0, 0.5, 0.5),),
    "▖": ((0, 0.5, 0.5, 0.5),),
    "▗": ((0.5, 0.5, 0.5, 0.5),),
    "▚": ((0, 0, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5)),
    "▞": ((0.5, 0, 0.5, 0.5), (0, 0.5, 0.5, 0.5)),
}
"""Characters that are drawn as boxes (x, y, width, height of a cell): fonts leave gaps between."""


def record(environ: Mapping[str, str], steps: Sequence[str] = STEPS) -> str:
    """Type `steps` in a terminal, on a machine of their own at a sandbox; return what is shown.

    `environ` has the PATH of hexauth, tmux and bash, and where a Secret Service is found. Addresses
    and folders are shown as a user at Hex has them.
    """
    with tempfile.TemporaryDirectory(prefix="hexauth-recording-") as folder:
        home = Path(folder, "you")
        home.mkdir()
        with Sandbox(Options(approve_after=1, interval=1)) as sandbox:
            here = {
                **environ,
                "HOME": str(home),
                "XDG_RUNTIME_DIR": folder,
                "HEX_API_URL": sandbox.api_url,
                "HEXAUTH_CACHE": "off",
                "NO_PROXY": "127.0.0.1",
                "LANG": "C.UTF-8",
                "BROWSER": "true",
            }
            with terminal(here, home) as shell:
                for line in steps:
                    shell.type(line)
                shown = shell.read()
            return shown.replace(sandbox.url, "https://hex.pm").replace(str(home), "/home/you")


def normal(shown: str) -> str:
    """Return what was shown without what differs from run to run: codes, times, numbers, paths."""
    text = re.sub(r"[ \t]+", " ", plain(shown))
    for code in set(re.findall(r"user_code=(\w+)", text)):
        text = re.sub(r"[- ]*".join(code), "CODE", text)
    text = re.sub("[█▀▄▌▐▘▝▖▗▚▞ ]*[█▀▄▌▐▘▝▖▗▚▞][█▀▄▌▐▘▝▖▗▚▞ ]*", "QR", text)
    text = re.sub(r"\d+", "0", text)
    return "\n".join(line.strip() for line in text.splitlines())


def svg(shown: str) -> str:
    """Return a picture of what a terminal has shown: light or dark, as its reader's screen is."""
    lines = rows(shown)
    width, height = 2 * PAD + COLUMNS * CELL, 2 * PAD + len(lines) * LINE
    said = f"{DESCRIPTION}\n{plain(shown)}"
    parts = [part for number, line in enumerate(lines) for part in _line(number, line)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(TITLE)}</title>',
            f'<desc id="desc">{escape(said)}</desc>',
            f"<style>{_style()}</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" '
            'rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _style() -> str:
    font = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
    return "\n".join(
        [
            "",
            f"text {{ font: {SIZE}px {font}; white-space: pre }}",
            ".bold { font-weight: bold }",
            ".dim { opacity: 0.7 }",
            ".italic { font-style: italic }",
            ".underlined { text-decoration: underline }",
            *_colors("light"),
            "@media (prefers-color-scheme: dark) {",
            *_colors("dark"),
            "}",
            "",
        ]
    )


def _colors(scheme: str) -> list[str]:
    page, text, edge = PAGES[scheme]
    return [
        f".page {{ fill: {page}; stroke: {edge} }}",
        f"text, .c {{ fill: {text} }}",
        f".g {{ fill: {page} }}",
        *(
            f".c{number} {{ fill: {color} }}"
            for number, color in enumerate(PALETTE[scheme].split())
        ),
    ]


def _line(number: int, runs: Sequence[Run]) -> list[str]:
    """Return one line's parts: what is behind the text, boxes, and the text itself."""
    top = PAD + number * LINE
    grounds = [part for run in runs for part in _ground(run, top)]
    boxes = [part for run in runs for part in _boxes(run, top)]
    spans = [span for run in runs for span in _spans(run)]
    text = f'<text y="{top + LINE * 0.72:g}">{"".join(spans)}</text>' if spans else ""
    return [*grounds, *boxes, *([text] if text else [])]


def _fill(color: str, usual: str) -> str:
    """Return the attribute for a color; `usual` is the class of the terminal's own."""
    if color.startswith("#"):
        return f'style="fill: {color}"'
    return f'class="{f"c{color}" if color else usual}"'


def _pair(look: Look) -> tuple[str, str]:
    """Return the attributes for what is in front, and for what is behind it."""
    color, ground = look.color, look.ground
    if ground:
        color, ground = (USUAL[int(each)] if each.isdecimal() else each for each in (color, ground))
    if look.reversed:
        return _fill(ground, "g"), _fill(color, "c")
    return _fill(color, "c"), _fill(ground, "g")


def _ground(run: Run, top: float) -> list[str]:
    if not (run.look.ground or run.look.reversed):
        return []
    size = f'width="{run.width * CELL:g}" height="{LINE}"'
    return [f'<rect x="{PAD + run.column * CELL:g}" y="{top:g}" {size} {_pair(run.look)[1]}/>']


def _boxes(run: Run, top: float) -> list[str]:
    """Return the run's blocks as one path."""
    path = "".join(
        f"M{PAD + (run.column + at + x) * CELL:g} {top + y * LINE:g}"
        f"h{width * CELL:g}v{height * LINE:g}h{-width * CELL:g}z"
        for at, each in enumerate(run.text)
        for x, y, width, height in BLOCKS.get(each, ())
    )
    return [f'<path shape-rendering="crispEdges" {_pair(run.look)[0]} d="{path}"/>'] if path else []


def _spans(run: Run) -> list[str]:
    """Return the run's text, without blocks; words begin in their columns whatever the font."""
    text = re.sub(f"[{''.join(BLOCKS)}]", " ", run.text)
    if not text.strip():
        return []
    start = len(text) - len(text.lstrip())
    shown = Run(run.column + start, text.strip(), run.look)
    looks = [name for name in ("bold", "dim", "italic", "underlined") if getattr(run.look, name)]
    fill = _pair(run.look)[0]
    if looks:
        fill = fill.replace('class="', f'class="{" ".join(looks)} ')
        fill = fill if "class=" in fill else f'class="{" ".join(looks)}" {fill}'
    place = f'x="{PAD + shown.column * CELL:g}" textLength="{shown.width * CELL:g}"'
    return [f'<tspan {place} lengthAdjust="spacingAndGlyphs" {fill}>{escape(shown.text)}</tspan>']
