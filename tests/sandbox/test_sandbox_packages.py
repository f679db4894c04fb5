import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from hexauth.sandbox import bodies
from hexauth.sandbox.serve import Sandbox
from tests.sandbox.test_sandbox_command import line_of, start

Serve = Callable[..., Sandbox]
LogIn = Callable[..., dict[str, Any]]

METADATA = b"""\
{<<"name">>,<<"mine">>}.
{<<"version">>,<<"1.2.3">>}.
{<<"requirements">>,[[{<<"name">>,<<"jason">>},{<<"version">>,<<"9.9.9">>}]]}.
"""
MEBIBYTE = 1024 * 1024


def tar(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files.items():
            head = tarfile.TarInfo(name)
            head.size = len(data)
            archive.addfile(head, io.BytesIO(data))
    return content.getvalue()


PACKAGE = tar({"VERSION": b"3", "metadata.config": METADATA, "contents.tar.gz": b"c" * 1000})


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(otp="123456", rate_limit=None)


@pytest.fixture
def key(sandbox: Sandbox) -> str:
    return sandbox.hexpm.add_key("api")


def send(
    sandbox: Sandbox, method: str, path: str, authorization: str = "", otp: str = "", **body: Any
) -> requests.Response:
    headers = {"Authorization": authorization, "X-Hex-OTP": otp}
    return requests.request(
        method,
        f"{sandbox.api_url}/{path}",
        headers={name: value for name, value in headers.items() if value},
        timeout=30,
        **body,
    )


def publish(sandbox: Sandbox, authorization: str, path: str = "publish") -> requests.Response:
    return send(sandbox, "POST", path, authorization, data=PACKAGE)


@pytest.mark.parametrize("path", ["publish", "packages/mine/releases"])
def test_a_package_is_published_by_what_its_metadata_says(
    sandbox: Sandbox, key: str, path: str
) -> None:
    answer = publish(sandbox, key, path)

    told = answer.json()
    assert (answer.status_code, told["version"]) == (201, "1.2.3")
    assert told["checksum"] == hashlib.sha256(PACKAGE).hexdigest()
    assert told["url"] == f"{sandbox.api_url}/packages/mine/releases/1.2.3"


def test_the_log_tells_the_size_and_hash_of_what_was_sent(sandbox: Sandbox, key: str) -> None:
    publish(sandbox, key)

    assert sandbox.journal.log()[0]["upload"] == {
        "bytes": len(PACKAGE),
        "sha256": hashlib.sha256(PACKAGE).hexdigest(),
    }


def test_a_package_may_come_in_chunks(sandbox: Sandbox, key: str) -> None:
    def chunks() -> Iterator[bytes]:
        for start_of in range(0, len(PACKAGE), 700):
            yield PACKAGE[start_of : start_of + 700]

    answer = send(sandbox, "POST", "publish", key, data=chunks())

    assert answer.json()["checksum"] == hashlib.sha256(PACKAGE).hexdigest()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "tar"),
        (b"nonsense" * 100, "tar"),
        (b"\0" * 1024, "tar"),
        (tar({"VERSION": b"3"}), "tar"),
        (tar({"metadata.config": b'{<<"name">>,<<"mine">>}.\n'}), "tar"),
        (tar({"metadata.config": b"x" * (2 * MEBIBYTE)}), "tar"),
        (PACKAGE, "name"),
    ],
)
def test_what_is_no_package_or_another_one_is_not_taken(
    sandbox: Sandbox, key: str, body: bytes, field: str
) -> None:
    answer = send(sandbox, "POST", "packages/other/releases", key, data=body)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert send(sandbox, "GET", "packages/other").status_code == 404


def test_a_version_is_published_once_unless_it_is_to_be_replaced(
    sandbox: Sandbox, key: str
) -> None:
    paths = ("publish", "publish", "publish?replace=true")

    answers = [publish(sandbox, key, path) for path in paths]

    assert [answer.status_code for answer in answers] == [201, 422, 200]
    assert "--replace" in answers[1].json()["errors"]["inserted_at"]


def test_a_release_is_shown_and_taken_back(sandbox: Sandbox, key: str) -> None:
    publish(sandbox, key)
    release = "packages/mine/releases/1.2.3"
    docs = send(sandbox, "POST", f"{release}/docs", key, data=b"docs")
    shown = send(sandbox, "GET", release).json()
    without = send(sandbox, "DELETE", f"{release}/docs", key)
    back = send(sandbox, "DELETE", release, key)

    assert (docs.status_code, shown["has_docs"]) == (201, True)
    assert (without.status_code, back.status_code) == (204, 204)
    assert send(sandbox, "GET", release).status_code == 404
    assert send(sandbox, "GET", "packages/mine").json()["releases"] == []


def test_a_release_is_retired_and_brought_back(sandbox: Sandbox, key: str) -> None:
    path = "packages/jason/releases/1.0.0/retire"
    told = {"reason": "security", "message": "It leaks."}
    wrong = send(sandbox, "POST", path, key, json={"reason": "boredom"})
    first = send(sandbox, "POST", path, key, json=told)
    retired = send(sandbox, "GET", "packages/jason").json()["retirements"]
    second = send(sandbox, "DELETE", path, key)

    assert [wrong.status_code, first.status_code, second.status_code] == [422, 204, 204]
    assert retired == {"1.0.0": told}
    assert send(sandbox, "GET", "packages/jason").json()["retirements"] == {}


def test_owners_come_and_go_but_for_the_last(sandbox: Sandbox, key: str) -> None:
    owners = "packages/jason/owners"

    def names() -> list[str]:
        return [each["username"] for each in send(sandbox, "GET", owners, key).json()]

    added = send(sandbox, "PUT", f"{owners}/bob@example.com", key, json={"level": "maintainer"})
    both = names()
    removed = send(sandbox, "DELETE", f"{owners}/alice", key)
    last = send(sandbox, "DELETE", f"{owners}/bob", key)
    given = send(sandbox, "PUT", f"{owners}/carol", key, json={"transfer": True})

    assert [each.status_code for each in (added, removed, last, given)] == [204, 204, 422, 204]
    assert (both, names()) == (["alice", "bob"], ["carol"])
    assert send(sandbox, "GET", f"{owners}/bob", key).status_code == 404


@pytest.mark.parametrize(
    ("otp", "code", "status", "error"),
    [
        ("123456", "", 401, "totp_required"),
        ("123456", "654321", 401, "invalid_totp"),
        ("123456", "123456", 201, None),
        (None, "123456", 403, None),
    ],
)
def test_a_login_needs_a_one_time_password_to_publish(
    serve: Serve, log_in: LogIn, otp: str | None, code: str, status: int, error: str | None
) -> None:
    """As for `/api/keys`; an API key needs none."""
    sandbox = serve(otp=otp)
    bearer = f"Bearer {log_in(sandbox)['access_token']}"

    answer = send(sandbox, "POST", "publish", bearer, code, data=PACKAGE)

    challenge = answer.headers.get("www-authenticate")
    assert (answer.status_code, challenge) == (
        status,
        error and f'Bearer realm="hex", error="{error}"',
    )


CHANGES = (
    ("POST", "publish", "publish"),
    ("POST", "packages/mine/releases", "publish"),
    ("POST", "packages/jason/releases/1.0.0/docs", "docs"),
    ("DELETE", "packages/jason/releases/1.0.0/docs", "docs"),
    ("DELETE", "packages/jason/releases/1.0.0", "revert"),
    ("POST", "packages/jason/releases/1.0.0/retire", "retire"),
    ("DELETE", "packages/jason/releases/1.0.0/retire", "retire"),
    ("PUT", "packages/jason/owners/bob", "owners"),
    ("DELETE", "packages/jason/owners/alice", "owners"),
)


@pytest.mark.parametrize(("method", "path", "kind"), CHANGES)
@pytest.mark.parametrize("below", ["", "repos/acme/"])
def test_every_change_is_refused_to_strangers_and_readers(
    sandbox: Sandbox, method: str, path: str, kind: str, below: str
) -> None:
    reader = sandbox.hexpm.add_key("api:read repositories")

    answers = [send(sandbox, method, f"{below}{path}", each) for each in ("", "0" * 32, reader)]

    assert [each.status_code for each in answers] == [401] * 3
    assert sandbox.journal.counts()[kind] == 3


def test_everybody_sees_a_package_and_members_those_of_their_organization(serve: Serve) -> None:
    sandbox = serve()
    key = sandbox.hexpm.add_key("api")
    publish(sandbox, key, "repos/acme/publish")
    path = "packages/mine"

    own = send(sandbox, "GET", f"repos/acme/{path}", key)

    assert send(sandbox, "GET", "packages/jason").json()["owners"][0]["username"] == "alice"
    assert send(sandbox, "GET", path).status_code == 404
    assert send(sandbox, "GET", f"repos/acme/{path}").status_code == 401
    assert send(sandbox, "GET", f"repos/other/{path}", key).status_code == 403
    assert publish(sandbox, key, "repos/other/publish").status_code == 403
    assert (own.json()["repository"], own.json()["url"]) == (
        "acme",
        f"{sandbox.api_url}/repos/acme/packages/mine",
    )


def test_packages_of_the_registry_are_the_user_s(serve: Serve, tmp_path: Path) -> None:
    for folder in (tmp_path / "tarballs", tmp_path / "repos/acme/tarballs"):
        folder.mkdir(parents=True)
    for name in ("tarballs/one-1.0.0.tar", "tarballs/one-1.1.0-rc.1.tar"):
        (tmp_path / name).touch()
    (tmp_path / "repos/acme/tarballs/two-0.1.0.tar").touch()
    sandbox = serve(registry=tmp_path)
    key = sandbox.hexpm.add_key("api")

    one = send(sandbox, "GET", "packages/one").json()
    two = send(sandbox, "GET", "repos/acme/packages/two", key).json()

    assert [each["version"] for each in one["releases"]] == ["1.1.0-rc.1", "1.0.0"]
    assert [each["version"] for each in two["releases"]] == ["0.1.0"]
    assert send(sandbox, "GET", "packages/..%2Ftwo").status_code == 404


def test_answers_come_in_erlang_terms(sandbox: Sandbox, key: str) -> None:
    answer = requests.post(
        f"{sandbox.api_url}/publish",
        data=PACKAGE,
        headers={"Authorization": key, "Accept": bodies.HEX_ERLANG},
        timeout=30,
    )

    assert bodies.from_erlang(answer.content)["version"] == "1.2.3"


@pytest.mark.parametrize(
    ("scope", "asked", "status"),
    [
        ("api:read", "", 204),
        ("api:read", "domain=api", 204),
        ("api:read", "domain=api&resource=write", 401),
        ("api", "domain=api&resource=write", 204),
        ("api", "domain=repository&resource=acme", 401),
        ("repositories", "domain=repository&resource=acme", 204),
        ("repositories", "domain=repositories", 204),
    ],
)
def test_a_key_can_be_asked_what_it_is_good_for(
    sandbox: Sandbox, scope: str, asked: str, status: int
) -> None:
    answer = send(sandbox, "GET", f"auth?{asked}", sandbox.hexpm.add_key(scope))

    assert (answer.status_code, sandbox.journal.counts()["auth"]) == (status, 1)


def test_publishing_can_go_wrong(serve: Serve) -> None:
    """A fault says what is not carried out, and what is although its answer is lost."""
    sandbox = serve(faults=("503@publish", "drop-after@publish"))
    key = sandbox.hexpm.add_key("api")

    first = publish(sandbox, key).status_code
    between = send(sandbox, "GET", "packages/mine").status_code
    with pytest.raises(requests.ConnectionError):
        publish(sandbox, key)

    assert (first, between) == (503, 404)
    assert send(sandbox, "GET", "packages/mine").status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_large_package_takes_no_memory() -> None:
    """It is counted and hashed as it comes, and refused only then."""
    head = tarfile.TarInfo("contents.tar.gz")
    head.size = 300 * MEBIBYTE

    def content() -> Iterator[bytes]:
        yield head.tobuf()
        for _ in range(300):
            yield b"\0" * MEBIBYTE

    with start() as process:
        lines = [line_of(process).strip() for _ in range(2)]
        url = lines[1].removeprefix("export HEX_API_URL=")
        answer = requests.post(f"{url}/publish", data=content(), timeout=60)
        log = requests.get(f"{url.removesuffix('/api')}/sandbox/log", timeout=30).json()
        usage = Path(f"/proc/{process.pid}/status").read_text()
        process.terminate()
        process.wait(10)

    peak = re.search(r"VmHWM:\s+(\d+) kB", usage)
    assert peak
    assert (answer.status_code, int(peak[1]) < 200 * 1024) == (401, True)
    assert log[0]["upload"]["bytes"] > head.size
