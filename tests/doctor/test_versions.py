import platform
from pathlib import Path

from hexauth import __version__
from hexauth.doctor import versions
from tests.doctor.patients import levels, patient, texts


def test_versions_of_everything_are_told(tmp_path: Path) -> None:
    found = texts(versions.look, patient(tmp_path))

    assert found["hexauth"].startswith(f"{__version__}, in ")
    assert found["Python"].startswith(f"{platform.python_version()}, ")
    assert found["OpenSSL"].startswith("OpenSSL ")
    assert found["platform"] == platform.platform()
    assert {"click", "requests", "cryptography", "jeepney"} <= set(found["packages"].split()[::2])
    assert found["git"].split(", version ")[1][0].isdigit()


def test_programs_that_are_not_there_are_named(tmp_path: Path) -> None:
    found = texts(versions.look, patient(tmp_path, {"PATH": str(tmp_path)}))

    assert found["programs that are not here"] == "git, docker, podman, mix, rebar3, gleam"


def test_git_that_says_nothing_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\n")
    (tmp_path / "git").chmod(0o755)
    case = patient(tmp_path, {"PATH": str(tmp_path)})

    assert texts(versions.look, case)["git"].endswith("git, which does not tell its version")
    assert set(levels(versions.look, case).values()) == {"ok"}
