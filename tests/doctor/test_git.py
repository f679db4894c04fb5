import os
import sys
from pathlib import Path

import pytest

from hexauth.doctor.case import Case
from hexauth.doctor.git import look
from tests.conftest import need
from tests.doctor.patients import levels, patient, texts

OURS = Path(sys.executable).parent / "git-credential-hexauth"

HERE = {"HEX_API_URL": "https://hex.test/api", "GIT_CONFIG_NOSYSTEM": "1"}


def configured(folder: Path, text: str, environ: dict[str, str] | None = None) -> Case:
    need("git", "git")
    (folder / ".gitconfig").write_text(text)
    return patient(folder, {**HERE, **(environ or {})})


def test_git_that_knows_no_helper_is_told_how_to_get_ours(tmp_path: Path) -> None:
    case = configured(tmp_path, "")

    assert texts(look, case) == {
        "hexauth for git": "Git is not told of it; `hexauth setup git` does that."
    }


def test_hexauth_as_setup_puts_it_is_asked_first(tmp_path: Path) -> None:
    text = (
        f'[credential]\nhelper = store\n[credential "https://hex.test"]\nhelper=\nhelper={OURS}\n'
    )
    case = configured(tmp_path, text)

    found = texts(look, case)

    assert found["order for https://hex.test"] == "Hexauth is asked first."
    assert found["helper for all hosts"] == f"store ({tmp_path}/.gitconfig)"
    assert set(levels(look, case).values()) == {"ok"}


@pytest.mark.parametrize(
    "text",
    [
        f'[credential]\nhelper=store --file x\n[credential "https://hex.test"]\nhelper={OURS}\n',
        f"[credential]\nhelper=store\nhelper={OURS}\n",
        f'[credential "https://hex.test/"]\nhelper=store\nhelper={OURS}\n',
        f'[credential "https://*.test:443"]\nhelper=store\n[credential]\nhelper={OURS}\n',
        f"[credential]\nhelper=store\nhelper=\"!'{OURS}'\"\n",
    ],
)
def test_a_helper_that_answers_before_hexauth_is_a_warning(tmp_path: Path, text: str) -> None:
    case = configured(tmp_path, text)

    assert levels(look, case)["order for https://hex.test"] == "warning"
    assert texts(look, case)["order for https://hex.test"].startswith("Git asks store before")


@pytest.mark.parametrize(
    "text",
    [
        f'[credential "https://else.test"]\nhelper=store\n[credential]\nhelper={OURS}\n',
        f'[credential "http://hex.test"]\nhelper=store\n[credential]\nhelper={OURS}\n',
        f'[credential "https://*.hex.test"]\nhelper=store\n[credential]\nhelper={OURS}\n',
        f"[credential]\nhelper={OURS}\nhelper=store\n",
    ],
)
def test_a_helper_for_others_or_after_hexauth_is_fine(tmp_path: Path, text: str) -> None:
    assert levels(look, configured(tmp_path, text))["order for https://hex.test"] == "ok"


def test_the_system_comes_before_the_user(tmp_path: Path) -> None:
    (tmp_path / "system").write_text("[credential]\nhelper = cache\n")
    environ = {"GIT_CONFIG_SYSTEM": str(tmp_path / "system"), "GIT_CONFIG_NOSYSTEM": "0"}
    case = configured(tmp_path, f"[credential]\nhelper = {OURS}\n", environ)

    assert "Git asks cache before" in texts(look, case)["order for https://hex.test"]


def test_the_folder_that_one_is_in_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git/refs").mkdir(parents=True)
    (tmp_path / ".git/objects").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git/config").write_text("[credential]\nhelper = planted\n")
    monkeypatch.chdir(tmp_path)

    assert "planted" not in str(texts(look, configured(tmp_path, "")))


@pytest.mark.parametrize("value", ["/gone/git-credential-hexauth", "hexauth"])
def test_a_program_that_is_not_where_git_looks_for_it_is_a_problem(
    tmp_path: Path, value: str
) -> None:
    path = os.pathsep.join(["/usr/bin", "/bin"])
    case = configured(tmp_path, f"[credential]\nhelper = {value}\n", {"PATH": path})

    assert levels(look, case)["hexauth for git"] == "problem"
    assert "git-credential-hexauth, which git's" in texts(look, case)["hexauth for git"]


def test_secrets_in_the_configuration_are_not_told(tmp_path: Path) -> None:
    text = (
        '[credential "https://me:S3CRET@else.test/S3CRET"]\nhelper = "!echo password=S3CRET"\n'
        '[credential]\nhelper = store --file S3CRET\nhelper = "!f() { \'S3CRET; }"\n'
    )

    found = str(texts(look, configured(tmp_path, text)))

    assert "S3CRET" not in found
    assert "helper for https://else.test" in found


def test_a_configuration_that_git_cannot_read_is_a_problem(tmp_path: Path) -> None:
    block = "# >>> hexauth git >>> (in a file of its own)\n[credential]\nhelper = x\n"
    case = configured(tmp_path, f"{block}# <<< hexauth git <<<\n[broken\n")

    assert levels(look, case) == {"hexauth for git": "problem"}


def test_a_machine_without_git_is_fine(tmp_path: Path) -> None:
    assert texts(look, patient(tmp_path, {"PATH": str(tmp_path)})) == {
        "git": "There is no git here."
    }
