"""`hexauth help` and `--help`: with man, without it, and at any width."""

import os
import re
import shutil
from pathlib import Path

import pytest

from hexauth.cli.main import COMMANDS, GROUPS
from hexauth.tools.pages import pages
from tests.conftest import need
from tests.inside import Done, inside
from writers.manual import walk


def asked(home: Path, *words: str, **environ: str) -> Done:
    """Run hexauth on a machine that has nothing."""
    return inside(*words, environ={"HOME": str(home), "PATH": "/nothing", **environ})


@pytest.mark.parametrize(
    ("topic", "title"),
    [
        ([], "HEXAUTH(1)"),
        (["get"], "HEXAUTH-GET(1)"),
        (["key", "add"], "HEXAUTH-KEY-ADD(1)"),
        (["hexauth-key-add"], "HEXAUTH-KEY-ADD(1)"),
        (["hexauth", "status"], "HEXAUTH-STATUS(1)"),
        (["config"], "HEXAUTH-CONFIG(1)"),
        (["config.toml"], "HEXAUTH-CONFIG(5)"),
        (["settings"], "HEXAUTH-CONFIG(5)"),
        (["errors"], "HEXAUTH-DIAGNOSTICS(7)"),
        (["git-credential-hexauth"], "GIT-CREDENTIAL-HEXAUTH(1)"),
        (["hexauth-bazel"], "HEXAUTH-BAZEL(1)"),
    ],
)
def test_topic_has_its_page(topic: list[str], title: str, tmp_path: Path) -> None:
    done = asked(tmp_path, "help", *topic)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{title}  hexauth ")


def test_every_command_has_its_page() -> None:
    topics = {path.removeprefix("hexauth ") for path, _ in walk()}

    assert topics - set(pages()) == set()


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("words", [["help"], ["--help"], ["get", "--help"], ["key", "--help"]])
def test_words_are_whole_at_any_width(words: list[str], width: int, tmp_path: Path) -> None:
    """A word that is longer than a line, and what is to be typed, may stick out."""
    wide = asked(tmp_path, *words, COLUMNS="200").out
    done = asked(tmp_path, *words, COLUMNS=str(width))

    assert set(done.out.split()) == set(wide.split())
    if words != ["help"]:
        assert max(map(len, done.out.splitlines())) <= width


def test_commands_are_listed_in_groups_and_each_once(tmp_path: Path) -> None:
    out = asked(tmp_path, "--help", COLUMNS="80").out

    headings = re.findall(r"^(\S.*):$", out, re.MULTILINE)
    assert headings == ["Options", *(title for title, names in GROUPS if names != ("capability",))]
    listed = re.findall(r"^  ([a-z]+) +[A-Z]", out, re.MULTILINE)
    assert sorted(listed) == sorted(set(COMMANDS) - {"capability"})


def test_no_sentence_of_the_help_is_cut(tmp_path: Path) -> None:
    for words in ([], ["key"]):
        assert "...\n" not in asked(tmp_path, *words, "--help", COLUMNS="80").out.partition("\n")[2]


class Terminal:
    """A terminal, at which hexauth is run with these programs alone."""

    def __init__(self, home: Path, **programs: str) -> None:
        self.home, self.folder = home, home / "bin"
        self.folder.mkdir()
        for name, script in programs.items():
            (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.folder / name).chmod(0o755)

    def shows(self, *words: str, **environ: str) -> str:
        """Return what is seen there."""
        import pexpect

        hexauth = shutil.which("hexauth") or "hexauth"
        here = {"HOME": str(self.home), "PATH": str(self.folder), "TERM": "xterm", **environ}
        child = pexpect.spawn(
            hexauth, ["help", *words], env=here, encoding="utf-8", dimensions=(24, 80), timeout=60
        )
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
        return str(child.before)


def test_man_shows_the_page_at_a_terminal(tmp_path: Path) -> None:
    here = Terminal(tmp_path, man='echo "man was given $1"')

    assert re.search(r"man was given \S*man1/hexauth-get\.1\r\n", here.shows("get"))


def test_without_man_the_pager_shows_it(tmp_path: Path) -> None:
    here = Terminal(tmp_path, pages='read -r first; echo "$1 <$first>"')

    assert "-x <HEXAUTH-GET(1)  hexauth" in here.shows("get", PAGER="pages -x")


@pytest.mark.parametrize("pager", ["no-such-program", "'", " "])
def test_without_any_of_them_it_is_printed(pager: str, tmp_path: Path) -> None:
    """So it is where man itself fails, as where it has no groff."""
    here = Terminal(tmp_path, man="exit 3")

    assert "\r\nSEE ALSO\r\n" in here.shows("store", PAGER=pager)


def test_real_man_shows_it(tmp_path: Path) -> None:
    need("groff", "groff-base")
    folder = os.path.dirname(need("man", "man-db"))  # noqa: PTH120
    here = Terminal(tmp_path)

    shown = here.shows("config.toml", PATH=f"{folder}:/usr/bin:/bin", MANPAGER="cat", TERM="dumb")

    assert "HEXAUTH-CONFIG(5)" in shown
    assert "passphrase_command" in re.sub(".\b", "", shown)  # bold is typed twice
