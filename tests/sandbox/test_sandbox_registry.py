import http.client
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from hexauth.errors import UsageError
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine
from tests.hex_registry import Mix, private_names, public_names
from tests.sandbox.test_sandbox_command import COMMAND, PYTHON, invoke, line_of, start

Serve = Callable[..., Sandbox]
LogIn = Callable[..., dict[str, Any]]
Make = Callable[[Sandbox], Machine]

FILES = (
    "names",
    "versions",
    "public_key",
    "packages/jason",
    "tarballs/jason-1.0.0.tar",
    "installs/hex-1.x.csv",
    "repos/acme/names",
    "repos/acme/packages/secret",
    "repos/other/names",
    "repos/acme/.git/config",
    ".hidden",
)
MEBIBYTE = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a registry whose files hold their own names, beside a file that is not in it."""
    folder = tmp_path / "registry"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (tmp_path / "outside").write_text("outside")
    return folder


def get(
    sandbox: Sandbox, path: str, authorization: str | None = None, **headers: str
) -> requests.Response:
    if authorization is not None:
        headers["Authorization"] = authorization
    return requests.get(f"{sandbox.repository_url}/{path}", headers=headers, timeout=30)


def status_of(sandbox: Sandbox, path: str, authorization: str = "") -> int:
    """Return how a path is answered that is sent as it is written."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)
    connection.request("GET", path, headers={"Authorization": authorization})
    status = connection.getresponse().status
    connection.close()
    return status


def counts(sandbox: Sandbox) -> dict[str, int]:
    return {kind: number for kind, number in sandbox.journal.counts().items() if number}


@pytest.mark.parametrize("name", FILES[:6])
def test_everybody_gets_what_lies_in_the_registry(serve: Serve, root: Path, name: str) -> None:
    answer = get(serve(registry=root), name)

    assert (answer.status_code, answer.text, answer.headers["Content-Length"]) == (
        200,
        name,
        str(len(name)),
    )


@pytest.mark.parametrize(
    ("scope", "organization", "status", "challenge"),
    [
        (None, "acme", 401, "Basic realm=hex"),
        ("api", "acme", 401, "Basic realm=hex"),
        ("repository:other", "acme", 401, "Basic realm=hex"),
        ("repositories", "acme", 200, None),
        ("repository:acme", "acme", 200, None),
        ("repositories", "other", 403, None),
        ("repository:other", "other", 403, None),
        ("repositories", "nobody", 403, None),
    ],
)
def test_members_alone_get_what_an_organization_has(
    serve: Serve,
    root: Path,
    scope: str | None,
    organization: str,
    status: int,
    challenge: str | None,
) -> None:
    """The rules of `/repos/ORG/names`."""
    sandbox = serve(registry=root)
    key = None if scope is None else sandbox.hexpm.add_key(scope)

    answer = get(sandbox, f"repos/{organization}/names", key)

    assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, challenge)


def test_a_login_opens_the_organization(serve: Serve, root: Path, log_in: LogIn) -> None:
    sandbox = serve(registry=root)
    bearer = f"Bearer {log_in(sandbox)['access_token']}"

    assert get(sandbox, "repos/acme/packages/secret", bearer).text == "repos/acme/packages/secret"


def test_a_refusal_is_what_hexpm_answers(serve: Serve, root: Path) -> None:
    """Whether the file is there is nobody's business."""
    sandbox = serve(registry=root)

    answers = [get(sandbox, f"repos/acme/{name}").json() for name in ("names", "none")]

    assert answers == [{"status": 401, "message": "missing authentication information"}] * 2


def test_head_tells_the_length_without_the_file(serve: Serve, root: Path) -> None:
    answer = requests.head(f"{serve(registry=root).repository_url}/names", timeout=30)

    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, "5", b"")


def test_a_file_that_is_known_is_not_sent_again(serve: Serve, root: Path) -> None:
    """Until it changes."""
    sandbox = serve(registry=root)
    etag = get(sandbox, "names").headers["ETag"]
    known = get(sandbox, "names", **{"If-None-Match": etag})
    (root / "names").write_text("other names")

    changed = get(sandbox, "names", **{"If-None-Match": etag})

    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", etag)
    assert (changed.status_code, changed.text) == (200, "other names")


@pytest.mark.parametrize(
    ("wanted", "status", "text", "part"),
    [
        ("bytes=0-2", 206, "pac", "bytes 0-2/14"),
        ("bytes=9-", 206, "jason", "bytes 9-13/14"),
        ("bytes=-2", 206, "on", "bytes 12-13/14"),
        ("bytes=14-", 416, None, None),
    ],
)
def test_a_part_of_a_file_can_be_asked_for(
    serve: Serve, root: Path, wanted: str, status: int, text: str | None, part: str | None
) -> None:
    answer = get(serve(registry=root), "packages/jason", Range=wanted)

    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, part)
    assert text is None or (answer.text, answer.headers["Content-Length"]) == (text, str(len(text)))


@pytest.mark.parametrize(
    "path",
    [
        "none",
        "packages",
        "packages/",
        "repos",
        "repos/acme",
        "repos/acme/",
        "repos/acme/packages",
        ".hidden",
        "repos/acme/.git/config",
        "../outside",
        "%2e%2e/outside",
        "packages/../names",
        "packages/./jason",
        "packages%2Fjason",
        "packages%5Cjason",
        "..%2foutside",
        "..\\outside",
        "repos/acme/../other/names",
        "repos/acme/../../names",
        "repos%2facme/names",
        "REPOS/acme/names",
        "names%00",
        "names/",
        "x" * 300,
        "%ff",
        "link-out",
        "link-to-folder/outside",
        "link-to-itself",
        "link-to-private",
        "repos/acme/link-to-other",
        "repos/acme/link-to-public",
    ],
)
def test_no_other_file_is_found(serve: Serve, root: Path, path: str) -> None:
    """By whatever way a path leaves the folder."""
    (root / "link-out").symlink_to("../outside")
    (root / "link-to-folder").symlink_to("..")
    (root / "link-to-itself").symlink_to("link-to-itself")
    (root / "link-to-private").symlink_to("repos/acme/names")
    (root / "repos/acme/link-to-other").symlink_to("../other/names")
    (root / "repos/acme/link-to-public").symlink_to("../../names")
    sandbox = serve(registry=root)

    assert status_of(sandbox, f"/repo/{path}", sandbox.hexpm.add_key()) == 404


def test_links_inside_and_to_the_registry_are_followed(
    serve: Serve, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").symlink_to(root)
    (root / "packages/decimal").symlink_to("jason")

    assert get(serve(registry=tmp_path / "here"), "packages/decimal").text == "packages/jason"


def test_files_are_counted_by_who_may_have_them(serve: Serve, root: Path) -> None:
    """Private ones also by who has got them; one that is not there is neither."""
    sandbox = serve(registry=root)
    key = sandbox.hexpm.add_key("repositories")
    get(sandbox, "names")
    get(sandbox, "installs/hex-1.x.csv", key)
    get(sandbox, "none")
    get(sandbox, "repos/acme/names", key)
    get(sandbox, "repos/acme/none", key)
    get(sandbox, "repos/acme/names")
    get(sandbox, "repos/other/names", key)

    assert counts(sandbox) == {"public": 3, "private": 4, "granted": 1, "refused": 2}


def test_faults_can_be_for_files(serve: Serve, root: Path) -> None:
    """Those for everybody, and those of organizations."""
    sandbox = serve(registry=root, faults=("503@private", "404@public", "token-expired"))
    key = sandbox.hexpm.add_key("repositories")
    paths = ("names", "repos/acme/names", "names", "repos/acme/names", "repos/acme/names")

    assert [get(sandbox, path, key).status_code for path in paths] == [404, 503, 200, 401, 200]


def test_the_answer_with_a_file_can_be_lost(serve: Serve, root: Path) -> None:
    sandbox = serve(registry=root, faults=("drop-after@public",))

    with pytest.raises(requests.ConnectionError):
        get(sandbox, "names")

    assert get(sandbox, "names").text == "names"


def test_without_a_registry_there_are_no_files(serve: Serve) -> None:
    """And nothing is counted as one."""
    sandbox = serve()

    status = requests.get(f"{sandbox.url}/repo/names", timeout=30).status_code

    assert (status, counts(sandbox), sandbox.repository_url) == (404, {"other": 1}, None)


def test_a_command_finds_the_registry(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where a Hex client looks for a mirror that it trusts."""
    script = """
import os, requests
print(requests.get(os.environ["HEX_TRUSTED_MIRROR_URL"] + "/names").text)
"""

    done = invoke("--registry", str(root), "--", *PYTHON, script)

    assert (done.exit_code, capfd.readouterr().out) == (0, "names\n")


@pytest.mark.parametrize("name", ["none", "names"])
def test_a_registry_that_is_no_folder_is_wrong_usage(root: Path, name: str) -> None:
    done = subprocess.run(
        [*COMMAND, "--registry", name], capture_output=True, text=True, check=False, cwd=root
    )

    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"hexauth: The registry {name} is no folder.\n"
        "hexauth: Name a folder that `mix hex.registry build` has made.\n",
    )
    with pytest.raises(UsageError):
        Options(registry=root / name)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_large_file_takes_no_memory(root: Path) -> None:
    """It is read as it is sent; the sandbox says where, to whoever starts it without a command."""
    size = 300 * MEBIBYTE
    with (root / "tarballs/large-1.0.0.tar").open("wb") as file:
        file.truncate(size)
    with start("--registry", str(root)) as process:
        lines = [line_of(process).strip() for _ in range(4)]
        url = lines[2].removeprefix("export HEX_TRUSTED_MIRROR_URL=")
        with requests.get(f"{url}/tarballs/large-1.0.0.tar", stream=True, timeout=30) as answer:
            length = sum(map(len, answer.iter_content(MEBIBYTE)))
        usage = Path(f"/proc/{process.pid}/status").read_text()
        process.terminate()
        process.wait(10)

    peak = re.search(r"VmHWM:\s+(\d+) kB", usage)
    assert peak
    assert (length, int(peak[1]) < 200 * 1024) == (size, True)


def test_mix_gets_public_packages_without_any_login(
    serve: Serve, machine: Make, mix: Mix, tmp_path: Path
) -> None:
    sandbox = serve(registry=mix.registry())
    application = mix.application(tmp_path / "application", public=public_names(2))

    done = machine(sandbox).run(
        "sh", "-c", f"cd {application} && mix deps.get", environ=mix.environ(application, sandbox)
    )

    assert done.returncode == 0, done
    assert set(counts(sandbox)) == {"public"}
    assert sorted(path.name for path in (application / "deps").iterdir()) == public_names(2)


def test_mix_gets_private_packages_for_a_key_alone(
    serve: Serve, machine: Make, mix: Mix, tmp_path: Path
) -> None:
    """It exchanges the key; without one it fails, and begins no login where nobody is there."""
    sandbox = serve(registry=mix.registry(private=3))
    here = machine(sandbox)
    application = mix.application(tmp_path / "application", private=private_names(3))
    key = requests.post(f"{sandbox.url}/sandbox/keys", data={"scope": "repositories"}, timeout=30)
    command = ("sh", "-c", f"cd {application} && mix deps.get")
    environ = mix.environ(application, sandbox)

    without = here.run(*command, environ=environ)
    before = counts(sandbox)
    done = here.run(*command, environ={**environ, "HEX_REPOS_KEY": key.json()["secret"]})

    assert (without.returncode, before.get("granted"), before["refused"] > 0) == (1, None, True)
    assert done.returncode == 0, done
    assert counts(sandbox)["granted"] == 6
    assert "prompts" not in counts(sandbox)
    assert sorted(path.name for path in (application / "deps").iterdir()) == private_names(3)
