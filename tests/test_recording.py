"""The picture of a login is what a login looks like, and every look of a terminal gets into it."""

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import Machine, need
from writers.recording import FILE, normal, record, svg
from writers.terminal import Look, Run, plain, rows, terminal

ROOT = Path(__file__).parent.parent

SVG = "{http://www.w3.org/2000/svg}"


def lines(picture: str) -> list[str]:
    """Return the lines of text in a picture, without the blanks between words."""
    page = ElementTree.fromstring(picture)  # noqa: S314  (it is our own)
    texts = (["".join(part.itertext()) for part in each] for each in page.iter(f"{SVG}text"))
    return [" ".join(" ".join(parts).split()) for parts in texts]


def described(picture: str) -> str:
    """Return what the picture's description says is on the screen."""
    said = ElementTree.fromstring(picture).findtext(f"{SVG}desc")  # noqa: S314  (the same)
    assert said is not None
    assert "The server was `hexauth sandbox`" in said
    return said.partition("The text is:\n")[2]


def test_the_picture_is_what_a_login_looks_like_today(unlocked: dict[str, str]) -> None:
    """Recorded once more, it says the same, but for codes, times and numbers."""
    need("tmux", "tmux")
    need("bash", "bash")
    picture = (ROOT / FILE).read_text("utf-8")

    shown = record({**unlocked, "PATH": Machine(ROOT, "").environ["PATH"]})

    assert normal(described(picture)) == normal(shown), "run scripts/record"
    assert "127.0.0.1" not in picture
    for line in lines(picture):
        assert line in " ".join(described(picture).split())


def test_what_is_redrawn_is_recorded_as_it_stands_in_the_end(tmp_path: Path) -> None:
    """A real terminal does it: a line that was written over, one erased, colors, a QR code."""
    environ = {"PATH": Machine(tmp_path, "").environ["PATH"], "LANG": "C.UTF-8"}
    need("tmux", "tmux")
    with terminal(environ, tmp_path) as shell:
        shell.type(r"printf 'waiting 9\r\033[2K\033[1;32mdone\033[0m in 3\n'")
        redrawn = r"gone\033[1A\n\033[2K\r\033[38;5;208m\u2588\u2580\u2584\033[0m"
        shell.type(rf"printf '{redrawn} \033[2mdim\033[0m\n'")
        shown = shell.read()

    assert [line for line in plain(shown).splitlines() if line[0] != "$"] == [
        "done in 3",
        "█▀▄ dim",
    ]
    found = [run for row in rows(shown) for run in row]
    assert Run(0, "done", Look(color="2", bold=True)) in found
    assert Run(0, "█▀▄", Look(color="#ff8700")) in found
    assert Run(4, "dim", Look(dim=True)) in found
    left = subprocess.run([*shell.tmux, "has-session"], capture_output=True, check=False)
    assert left.returncode == 1


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("\x1b[31mred\x1b[39m no", [Run(0, "red", Look(color="1")), Run(3, " no", Look())]),
        ("\x1b[97;44mx\x1b[m", [Run(0, "x", Look(color="15", ground="4"))]),
        ("\x1b[1m\x1b[22mx", [Run(0, "x", Look())]),
        ("\x1b[38;2;1;2;255mx", [Run(0, "x", Look(color="#0102ff"))]),
        ("\x1b[48;5;16mx", [Run(0, "x", Look(ground="#000000"))]),
        ("\x1b[48;5;244mx", [Run(0, "x", Look(ground="#808080"))]),
        ("\x1b[38;5mx", [Run(0, "x", Look())]),
        ("\x1b[7;4;3;99mx", [Run(0, "x", Look(reversed=True, underlined=True, italic=True))]),
        ("\x1b]8;;https://x\x1b\\a link\x1b]8;;\x1b\\", [Run(0, "a link", Look())]),
        ("木é!", [Run(0, "木é!", Look())]),
    ],
)
def test_looks_are_read(shown: str, expected: list[Run]) -> None:
    """As ECMA-48 section 8.3.117 has them."""
    assert rows(shown) == [expected]


def test_a_look_goes_on_in_the_next_line_and_a_long_line_is_folded() -> None:
    red = Look(color="1")

    assert rows("\x1b[31mabc\nde\x1b[0m", width=2) == [
        [Run(0, "ab", red)],
        [Run(0, "c", red)],
        [Run(0, "de", red)],
    ]


def test_wide_characters_take_two_columns() -> None:
    assert rows("a木木", width=4) == [[Run(0, "a木", Look())], [Run(0, "木", Look())]]


def test_the_picture_of_a_qr_code_has_boxes_and_no_letters_for_them() -> None:
    picture = svg("\x1b[7m█▀▄ \x1b[0m <b> & ok")

    page = ElementTree.fromstring(picture)  # noqa: S314  (the same)
    assert [each.attrib["d"].count("M") for each in page.iter(f"{SVG}path")] == [3]
    assert lines(picture) == ["<b> & ok"]


def test_black_on_white_is_so_on_any_page() -> None:
    """Elsewhere, a color is one that is legible on the page: light or dark."""
    assert 'style="fill: #000000"' in svg("\x1b[30;107mx")
    assert 'style="fill: #ffffff"' in svg("\x1b[30;107mx")
    assert 'class="c0"' in svg("\x1b[30mx")


def test_without_tmux_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="tmux"), terminal({"PATH": ""}, tmp_path):
        pass


def test_what_differs_from_run_to_run_is_left_out() -> None:
    page = "https://hex.pm/oauth/device?user_code="
    first = f"{page}ABCD2345 \x1b[1mABCD-2345\x1b[0m\n ▀▄ █\n9:59 left"
    second = f"{page}XXYY6789 X X Y Y - 6 7 8 9\n█▀▀▄\n10:00 left"

    assert normal(first) == normal(second)
