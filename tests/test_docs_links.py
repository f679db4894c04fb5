"""Every link in the pages leads somewhere; those to other places are only listed."""

import subprocess
from pathlib import Path

import pytest

from tests.docs_pages import ROOT
from writers.docs import main
from writers.links import anchors, dead, external, links

HOSTS = ("https://", "mailto:")


def test_no_link_of_ours_is_dead() -> None:
    assert dead(ROOT) == []


def test_addresses_elsewhere_are_encrypted() -> None:
    found = external(ROOT)

    assert len(found) > 10
    assert [address for address in found if not address.startswith(HOSTS)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](docs/there.md) `[b](no.md)`", []),
        ("[a](docs/there.md#two-words) <img src='x'>", []),
        ("[a](docs/missing.md)", ["README.md: docs/missing.md"]),
        ("[a](docs/there.md#three)", ["README.md: docs/there.md#three"]),
        ("# One\n\n[a](#one) [b](#two)", ["README.md: #two"]),
        ("[a](../outside.md)", ["README.md: ../outside.md"]),
        ('<img src="docs/no.svg">', ["README.md: docs/no.svg"]),
        ("![p](docs/no.svg)", ["README.md: docs/no.svg"]),
        ("[x]\n\n[x]: docs/no.md", ["README.md: docs/no.md"]),
    ],
)
def test_a_dead_link_is_found(text: str, expected: list[str], tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "docs/there.md").write_text("# There\n\n## Two `words`\n")
    (tmp_path / "outside.md").touch()
    (root / "README.md").write_text(text)

    assert dead(root) == expected


def test_a_heading_that_comes_again_has_a_number() -> None:
    assert anchors("# A, b!\n\n## a b\n\n```\n# no\n```\n") == {"a-b", "a-b-1"}


def test_links_in_html_are_links() -> None:
    assert links('<picture><source srcset="a.svg"><img src="b.svg"></picture>') == [
        "a.svg",
        "b.svg",
    ]


@pytest.mark.parametrize("words", [["--output"], ["--wrong"], ["--links", "x"], ["x"]], ids=str)
def test_wrong_words_are_told_what_there_is(words: list[str]) -> None:
    done = subprocess.run(
        ["sh", "scripts/docs", *words], cwd=ROOT, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"sh scripts/docs [--output DIR]" in done.stderr


def test_the_script_lists_addresses_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--links"])

    printed = capsys.readouterr().out
    assert (code, "https://hex.pm  README.md, docs/index.md\n" in printed) == (0, True)
