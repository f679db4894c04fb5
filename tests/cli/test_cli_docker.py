"""`docker-credential-hexauth`, by hand and with real clients at a real registry."""

import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from hexauth import __version__
from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve, need
from tests.waiting import until

Make = Callable[[Sandbox], Machine]
Run = Callable[..., tuple[int, str]]

USER, PASSWORD = "alice", "correct horse"
MISSING = (1, "credentials not found in native keychain\n")


@pytest.fixture
def here(serve: Serve, machine: Make) -> Machine:
    return machine(serve(approve_after=0))


@pytest.fixture
def docker(here: Machine) -> Run:
    """Return a function that runs the helper as docker does; errors are on standard output."""

    def run(action: str, given: str = "") -> tuple[int, str]:
        done = here.run("docker-credential-hexauth", action, give=given.encode())
        assert done.stderr == b""
        return done.returncode, done.stdout.decode()

    return run


def credential(server: str, user: str = USER, secret: str = PASSWORD) -> str:
    return json.dumps({"ServerURL": server, "Username": user, "Secret": secret})


def test_what_is_stored_comes_back_and_leaves(docker: Run) -> None:
    assert docker("store", credential("https://r.test/v1/")) == (0, "")
    code, answer = docker("get", "https://r.test/v1/\n")
    assert (code, json.loads(answer)) == (0, json.loads(credential("https://r.test/v1/")))
    assert docker("erase", "https://r.test/v1/\n") == (0, "")
    assert docker("get", "https://r.test/v1/\n") == MISSING


def test_another_server_gets_nothing(docker: Run) -> None:
    """Docker's servers are compared as they are written."""
    docker("store", credential("r.test:5000"))

    for server in ("r.test", "https://r.test:5000", "r.test:50000", "R.test:5000", "r.test:5000/"):
        assert docker("get", server) == MISSING


def test_a_server_has_one_user(docker: Run) -> None:
    docker("store", credential("r.test", "alice"))
    docker("store", credential("r.test", "bob", "other"))

    assert json.loads(docker("get", "r.test")[1])["Username"] == "bob"
    assert json.loads(docker("list")[1]) == {"r.test": "bob"}


def test_list_names_servers_and_users_and_no_secrets(docker: Run) -> None:
    assert docker("list") == (0, "{}\n")
    docker("store", credential("a.test", "alice"))
    docker("store", credential("https://b.test/v1/", "bob"))

    listed = docker("list")[1]

    assert json.loads(listed) == {"a.test": "alice", "https://b.test/v1/": "bob"}
    assert PASSWORD not in listed


def test_a_secret_of_64_kb_comes_back(docker: Run) -> None:
    docker("store", credential("r.test", secret="x" * 65536))

    assert json.loads(docker("get", "r.test")[1])["Secret"] == "x" * 65536


def test_erasing_what_is_not_there_is_fine(docker: Run) -> None:
    assert docker("erase", "r.test") == (0, "")


@pytest.mark.parametrize(
    ("action", "given", "text"),
    [
        ("get", "", "no credentials server URL"),
        ("erase", " \n", "no credentials server URL"),
        ("store", credential(""), "no credentials server URL"),
        ("store", credential("r.test", ""), "no credentials username"),
        ("store", '{"ServerURL":"r.test"', "the request is not JSON"),
        ("explode", "", "Usage: docker-credential-hexauth get | store | erase | list | version"),
        ("--help", "", "Usage: docker-credential-hexauth get | store | erase | list | version"),
    ],
)
def test_what_is_wrong_is_one_line_of_output_and_nothing_is_stored(
    docker: Run, action: str, given: str, text: str
) -> None:
    assert docker(action, given) == (1, f"{text}\n")
    assert docker("list") == (0, "{}\n")


def test_version_names_the_program(docker: Run) -> None:
    assert docker("version") == (0, f"docker-credential-hexauth (hexauth) {__version__}\n")


def test_no_action_is_answered_with_the_usage(here: Machine) -> None:
    done = here.run("docker-credential-hexauth")

    assert (done.returncode, done.stdout.split()[0], done.stderr) == (1, b"Usage:", b"")


def test_a_vault_out_of_order_is_one_line_of_output(here: Machine, docker: Run) -> None:
    docker("store", credential("r.test"))
    (here.home / "hexauth/vault/vault.json").write_text("nonsense")

    code, text = docker("get", "r.test")

    assert (code, len(text.splitlines())) == (1, 1)


def test_a_server_that_hexauth_logs_in_to_gets_the_login_s_token(
    here: Machine, docker: Run
) -> None:
    """And nobody is asked for one that is not there."""
    server = here.environ["HEX_API_URL"].removesuffix("/api")
    assert docker("get", server) == MISSING
    here.hexauth("login", "--no-browser")

    code, answer = docker("get", server)

    found = {"ServerURL": server, "Username": "oauth2", "Secret": here.token()}
    assert (code, json.loads(answer)) == (0, found)
    assert docker("erase", server) == (0, "")
    assert here.token() == found["Secret"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Run a real registry on loopback that wants a user name and a password."""
    program = need("docker-registry", "docker-registry")
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    password = subprocess.run(
        [need("htpasswd", "apache2-utils"), "-Bbn", USER, PASSWORD], check=True, capture_output=True
    )
    (tmp_path / "htpasswd").write_bytes(password.stdout)
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "images")}},
        "http": {"addr": address, "secret": "loopback"},
        "auth": {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}},
    }
    (tmp_path / "registry.json").write_text(json.dumps(config))
    command = [program, "serve", str(tmp_path / "registry.json")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: _answers(address))
        yield address
        process.terminate()


def _answers(address: str) -> bool:
    try:
        urlopen(f"http://{address}/v2/", timeout=SECONDS)
    except HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


def image(folder: Path) -> Path:
    """Make an image without content, as an OCI layout (image-spec, image-layout.md)."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: dict[str, object], kind: str) -> dict[str, object]:
        data = json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        media = f"application/vnd.oci.image.{kind}.v1+json"
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data)}

    rootfs = {"type": "layers", "diff_ids": []}
    config = blob({"architecture": "amd64", "os": "linux", "rootfs": rootfs}, "config")
    manifest = blob({"schemaVersion": 2, "config": config, "layers": []}, "manifest")
    index = {"schemaVersion": 2, "manifests": [manifest]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def test_skopeo_logs_in_pushes_reads_and_logs_out_with_it(
    here: Machine, docker: Run, registry: str, tmp_path: Path
) -> None:
    need("skopeo", "skopeo")
    (tmp_path / "auth.json").write_text(json.dumps({"credHelpers": {registry: "hexauth"}}))
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    environ = {
        "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }
    layout, remote = image(tmp_path / "layout"), f"docker://{registry}/a/b:1"

    def skopeo(*words: str, give: str = "") -> "subprocess.CompletedProcess[bytes]":
        policy = ("--policy", str(tmp_path / "policy.json"))
        return here.run("skopeo", *policy, *words, give=give.encode(), environ=environ)

    refused = skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}", remote)
    login = ("login", "--tls-verify=false", "--username", USER, "--password-stdin", registry)
    logged_in = skopeo(*login, give=PASSWORD)
    listed = json.loads(docker("list")[1])
    pushed = skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}", remote)
    read = skopeo("inspect", "--tls-verify=false", remote)
    logged_out = skopeo("logout", registry)
    afterwards = skopeo("inspect", "--tls-verify=false", remote)

    assert refused.returncode != 0
    assert logged_in.returncode == 0, logged_in
    assert listed == {registry: USER}
    assert pushed.returncode == 0, pushed
    assert json.loads(read.stdout)["Name"] == f"{registry}/a/b"
    assert logged_out.returncode == 0, logged_out
    assert afterwards.returncode != 0
    assert PASSWORD not in (tmp_path / "auth.json").read_text()
    assert docker("list") == (0, "{}\n")
