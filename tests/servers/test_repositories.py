from pathlib import Path

import pytest

from hexauth.errors import UnknownTarget, UsageError
from hexauth.servers.repositories import find_repository, site
from hexauth.servers.targets import parse_target
from hexauth.world.settings import Settings, load

TOML = """
[repositories.mine]
url = "https://mine.test/repo"
api_url = "https://mine.test/api"

[repositories."mine:part"]
trusted = false
"""


def settings(tmp_path: Path, toml: str = TOML, **environ: str) -> Settings:
    (tmp_path / "config.toml").write_text(toml)
    return load(environ, tmp_path / "config.toml")


def place(url: str, given: Settings, name: str = "") -> tuple[str, bool]:
    found = site(parse_target(url, given), given, name)
    return (found.repository.name if found.repository else "", found.is_api)


@pytest.mark.parametrize(
    ("url", "name", "is_api"),
    [
        ("https://hex.pm/api/packages", "hexpm", True),
        ("https://hex.pm", "hexpm", True),
        ("https://repo.hex.pm", "hexpm", False),
        ("https://repo.hex.pm/tarballs/a.tar", "hexpm", False),
        ("https://repo.hex.pm/repos/acme", "hexpm:acme", False),
        ("https://repo.hex.pm/repos/acme/names", "hexpm:acme", False),
        ("https://repo.hex.pm/reposacme", "hexpm", False),
        ("https://repo.hex.pm:8443/repos/acme", "", False),
        ("https://mine.test/repo/names", "mine", False),
        ("https://mine.test/repository", "", False),
        ("https://mine.test/api/users", "mine", True),
        ("https://mine.test/", "", False),
        ("https://git.test/repos/acme", "", False),
    ],
)
def test_a_target_is_a_part_of_one_repository_or_of_its_api(
    tmp_path: Path, url: str, name: str, is_api: bool
) -> None:
    assert place(url, settings(tmp_path)) == (name, is_api)


@pytest.mark.parametrize(
    ("url", "name", "is_api"),
    [
        ("http://127.0.0.1:4000/api/users", "hexpm", True),
        ("http://127.0.0.1:4000", "hexpm", True),
        ("http://127.0.0.1:4000/names", "hexpm", False),
        ("http://127.0.0.1:4000/repos/acme/names", "hexpm:acme", False),
    ],
)
def test_an_api_may_have_the_origin_of_its_repository(
    tmp_path: Path, url: str, name: str, is_api: bool
) -> None:
    given = settings(tmp_path, "", HEX_API_URL="http://127.0.0.1:4000/api")

    assert place(url, given) == (name, is_api)


def test_a_call_to_the_api_is_for_the_sake_of_a_repository(tmp_path: Path) -> None:
    assert place("https://hex.pm/api", settings(tmp_path), "hexpm:acme") == ("hexpm:acme", True)


def test_hex_s_own_repository_is_trusted_beside_a_mirror(tmp_path: Path) -> None:
    given = settings(tmp_path, "", HEX_MIRROR_URL="https://mirror.test/hex")
    seen = {}
    for url in ("https://mirror.test/hex/names", "https://repo.hex.pm/names"):
        repository = site(parse_target(url, given), given).repository
        seen[url] = repository is not None and repository.trusted

    assert list(seen.values()) == [False, True]


def test_a_part_is_as_its_parent_unless_it_is_said(tmp_path: Path) -> None:
    given = settings(tmp_path)

    part = find_repository("mine:part", given)

    assert (part.url, part.trusted, part.parent) == (
        "https://mine.test/repo/repos/part",
        False,
        "mine",
    )
    assert find_repository("mine", given).trusted


@pytest.mark.parametrize(
    ("toml", "name", "error"),
    [
        ("", "mine", UnknownTarget),
        ("", "hexpm:a/b", UnknownTarget),
        ("", "hexpm:", UnknownTarget),
        ("[repositories.mine]\ntrusted = true", "mine", UsageError),
        ('[repositories.mine]\nurl = "http://mine.test"', "mine", UsageError),
    ],
)
def test_a_repository_that_is_not_known(
    tmp_path: Path, toml: str, name: str, error: type[UsageError]
) -> None:
    with pytest.raises(error):
        find_repository(name, settings(tmp_path, toml))
