import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from hexauth import __date__, __version__
from hexauth.cli.main import main
from hexauth.errors import exit_codes
from hexauth.world import values
from hexauth.world.settings import SETTINGS, load
from tests.conftest import need
from writers import config_page
from writers.manual import outdated, pages, walk
from writers.usage import USAGES

ROOT = Path(__file__).parent.parent

PAGES = sorted(name for name in pages() if name.startswith("man/"))

COMMANDS = [path for path, _ in walk() if path != "hexauth"]


def run(words: list[str], home: Path, **environ: str) -> tuple[str, bytes]:
    """Run a program, and return what it prints and what it complains about."""
    path = os.environ.get("PATH", os.defpath)
    environ |= {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(
        words, capture_output=True, env=environ, cwd=home, timeout=60, check=False
    )
    return done.stdout.decode(), done.stderr


def test_generated_files_are_current() -> None:
    assert outdated(ROOT) == [], "run scripts/manual"


def test_files_that_are_missing_old_or_left_over_are_out_of_date(tmp_path: Path) -> None:
    for name, text in pages().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "man/man1/hexauth.1").unlink()
    (tmp_path / "man/man5/hexauth-config.5").write_text("old")
    (tmp_path / "man/man7/hexauth-songs.7").touch()

    assert outdated(tmp_path) == [
        "man/man1/hexauth.1", "man/man5/hexauth-config.5", "man/man7/hexauth-songs.7",
    ]  # fmt: skip


def test_every_program_and_visible_command_has_a_page() -> None:
    expected = [
        "hexauth",
        "docker-credential-hexauth",
        "git-credential-hexauth",
        "hexauth-bazel",
        *(path.replace(" ", "-") for path in COMMANDS),
    ]
    others = ["man/man5/hexauth-config.5", "man/man7/hexauth-diagnostics.7"]

    assert sorted([*others, *(f"man/man1/{name}.1" for name in expected)]) == PAGES


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_examples(path: str) -> None:
    """Other surroundings and codes than the usual ones are said beside them."""
    assert USAGES[path].examples, "writers/usage.py"


@pytest.mark.parametrize(
    "line",
    sorted(
        {
            line
            for usage in (USAGES[path] for path in ("hexauth", *COMMANDS))
            for _, lines in usage.examples
            for line in lines.split("\n")
            if "hexauth " in line
        }
    ),
)
def test_example_is_a_command_that_there_is(line: str) -> None:
    words = shlex.split(line.replace('eval "$(', "").replace(')"', ""))
    words = words[words.index("hexauth") + 1 :]
    ends = [words.index(each) for each in ("|", "<", "<<END") if each in words]

    context = main.make_context("hexauth", words[: min(ends, default=None)])
    name, command, rest = main.resolve_command(context, context._protected_args + context.args)
    while isinstance(command, click.Group) and rest:
        inner = command.make_context(name, rest, parent=context)
        words = inner._protected_args + inner.args
        if not words:  # the group does something by itself
            return
        name, command, rest = command.resolve_command(inner, words)
    assert command is not None
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(
    "section",
    [
        "NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "DIAGNOSTICS",
        "SEE ALSO",
    ],
)  # fmt: skip
def test_every_page_of_a_command_has_the_section(section: str) -> None:
    heading = f"\n.SH {section}\n"
    ones = [name for name, text in pages().items() if name.endswith(".1") and heading not in text]

    assert ones == []


def test_every_page_is_dated_and_no_page_says_when_it_was_made() -> None:
    """The date is the version's, so that the same source makes the same pages."""
    heads = {name: text.split("\n")[0] for name, text in pages().items() if name in PAGES}

    assert all(f' {__date__} "hexauth {__version__}"' in head for head in heads.values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", __date__)


def test_no_page_has_a_fault(tmp_path: Path) -> None:
    mandoc = need("mandoc", "mandoc")
    paths = [str(ROOT / name) for name in PAGES]

    assert run([mandoc, "-T", "lint", "-W", "warning", *paths], tmp_path) == ("", b"")


def test_man_warns_of_no_page(tmp_path: Path) -> None:
    man = need("man", "man-db")
    need("groff", "groff-base")
    words = [man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]

    assert run([*words, *(str(ROOT / name) for name in PAGES)], tmp_path)[1] == b""


@pytest.mark.parametrize("name", ["man/man1/hexauth-get.1", "man/man5/hexauth-config.5"])
@pytest.mark.parametrize("width", [60, 80])
def test_pages_words_are_whole_at_any_width(name: str, width: int, tmp_path: Path) -> None:
    need("groff", "groff-base")
    words = [need("man", "man-db"), "-E", "UTF-8", "-l", str(ROOT / name)]

    lines = run(words, tmp_path, MANWIDTH=str(width))[0].splitlines()

    assert not [line for line in lines if line.endswith(("-", "\u2010"))]


def test_every_setting_is_explained_in_section_5() -> None:
    page = pages()["man/man5/hexauth-config.5"]
    tags = set(re.findall(r"\.TP\n\\fB(.*)\\fR", page))
    keys = {*values.REPOSITORY_KEYS, *values.SERVER_KEYS}

    assert {*(each.name for each in SETTINGS), *keys} - tags == set()
    assert {each.parse for each in SETTINGS} - set(config_page.TYPES) == set()


def test_example_of_a_config_toml_is_one_that_is_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(config_page.EXAMPLE)

    assert load({}, file).min_ttl == 600


def test_page_shows_the_options_as_they_are_typed(tmp_path: Path) -> None:
    need("groff", "groff-base")
    words = [need("man", "man-db"), "-E", "UTF-8", "-l", str(ROOT / "man/man1/hexauth-get.1")]

    shown = run(words, tmp_path)[0].split()

    assert {"--format", "--login", "--no-login", "-h,", "--help"} <= set(shown)


def test_page_names_every_variable_and_exit_code() -> None:
    wanted = {name.replace("-", "\\-") for setting in SETTINGS for name in setting.variables}
    words = set(pages()["man/man1/hexauth.1"].replace("\\fB", " ").replace("\\fR", " ").split())

    missing = {name for name in wanted if not {name, f"{name},"} & words}
    assert missing | {str(code) for code in exit_codes()} - words == set()
