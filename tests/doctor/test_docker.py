import json
import sys
from pathlib import Path
from typing import Any

import pytest

from hexauth.doctor.case import Case
from hexauth.doctor.docker import look
from tests.doctor.patients import levels, patient, texts


def configured(
    folder: Path, facts: Any, place: str = ".docker/config.json", **environ: str
) -> Case:
    path = folder / place
    path.parent.mkdir(parents=True)
    path.write_text(facts if isinstance(facts, str) else json.dumps(facts))
    return patient(folder, {"PATH": str(Path(sys.executable).parent), **environ})


def test_no_configuration_is_fine(tmp_path: Path) -> None:
    assert texts(look, patient(tmp_path)) == {
        "configuration": f"There is none at {tmp_path}/.docker/config.json."
    }


def test_helpers_are_told(tmp_path: Path) -> None:
    facts = {"credsStore": "pass", "credHelpers": {"r.test": "hexauth"}, "auths": {"r.test": {}}}
    case = configured(tmp_path, facts)

    assert levels(look, case) == {"configuration": "ok"}
    assert texts(look, case)["configuration"].endswith("pass for all hosts, hexauth for r.test.")


@pytest.mark.parametrize("key", ["auth", "identitytoken"])
def test_passwords_in_plain_text_are_a_warning(tmp_path: Path, key: str) -> None:
    case = configured(tmp_path, {"auths": {"r.test": {key: "S3CRET"}, "s.test": {}}})

    assert levels(look, case)["plain text"] == "warning"
    assert "r.test. Run `docker logout r.test`" in texts(look, case)["plain text"]
    assert "S3CRET" not in str(texts(look, case))


def test_a_helper_that_is_not_in_path_is_a_problem(tmp_path: Path) -> None:
    case = configured(tmp_path, {"credsStore": "hexauth"}, PATH=str(tmp_path))

    assert levels(look, case)["hexauth for docker"] == "problem"


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"credHelpers": 1}'])
def test_a_configuration_that_makes_no_sense_is_a_problem(tmp_path: Path, text: str) -> None:
    assert levels(look, configured(tmp_path, text)) == {"configuration": "problem"}


@pytest.mark.parametrize("facts", [{"auths": 1}, {"auths": {"a": 1}}])
def test_strange_logins_are_passed_over(tmp_path: Path, facts: Any) -> None:
    assert levels(look, configured(tmp_path, facts)) == {"configuration": "ok"}


@pytest.mark.parametrize(
    ("place", "variable", "value"),
    [
        (".config/containers/auth.json", "X", ""),
        ("run/containers/auth.json", "XDG_RUNTIME_DIR", "run"),
        ("auth.json", "REGISTRY_AUTH_FILE", "auth.json"),
        ("else/config.json", "DOCKER_CONFIG", "else"),
    ],
)
def test_other_places_are_looked_at(tmp_path: Path, place: str, variable: str, value: str) -> None:
    (tmp_path / "sub").mkdir()
    folder = tmp_path / "sub"
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {"p.test": {"auth": "S3CRET"}}}))

    assert "p.test" in texts(look, patient(folder, {variable: str(folder / value)}))["plain text"]
