from pathlib import Path

import pytest

from hexauth.doctor.leftovers import look
from tests.doctor.patients import levels, patient, texts

KEY = "5eC2e7" * 6

KEPT = {
    "mix": (".hex/hex.config", '{<<"$read_key">>,<<"' + KEY + '">>}.\n', "warning"),
    "rebar3": (
        ".config/rebar3/hex.config",
        '#{<<"hexpm">> => #{read_key => <<"' + KEY + '">>}}.\n',
        "warning",
    ),
    "gleam": (".cache/gleam/hex/hexpm/credentials", KEY, "ok"),
    "git": (".git-credentials", f"https://me:{KEY}@hex.pm\n", "warning"),
    "netrc": (".netrc", f"machine hex.pm login me password {KEY}\n", "warning"),
}


@pytest.mark.parametrize("program", KEPT)
def test_what_a_program_keeps_is_told_without_the_secret(tmp_path: Path, program: str) -> None:
    place, text, level = KEPT[program]
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(text)
    case = patient(tmp_path)

    assert levels(look, case) == {program: level}
    assert str(tmp_path / place) in texts(look, case)[program]
    assert KEY not in str(texts(look, case))


def test_what_can_be_taken_over_is_and_what_cannot_is_logged_out(tmp_path: Path) -> None:
    (tmp_path / ".hex").mkdir()
    path = tmp_path / ".hex/hex.config"
    path.write_text(KEPT["mix"][1])
    key = texts(look, patient(tmp_path))["mix"]
    path.write_text('{<<"$oauth_token">>,#{}}.\n')
    login = texts(look, patient(tmp_path))["mix"]

    assert key.endswith("Run `hexauth import --yes --remove`, which takes it over.")
    assert login.endswith("Log out with mix itself, or put its file in order.")


def test_a_netrc_for_others_is_nobody_elses_business(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine else.test login me password x\n")

    assert levels(look, patient(tmp_path)) == {"plain text": "ok"}


def test_a_netrc_elsewhere_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("machine a.test login x password y machine\nREPO.hex.pm login x")

    found = texts(look, patient(tmp_path, {"NETRC": str(tmp_path / "rc")}))

    assert "a password for repo.hex.pm" in found["netrc"]


def test_nothing_is_fine(tmp_path: Path) -> None:
    assert levels(look, patient(tmp_path)) == {"plain text": "ok"}
