import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import time

import pytest

from hexauth.doctor.servers import look
from tests.authorities import sign
from tests.conftest import Serve
from tests.doctor.patients import levels, patient, texts


@pytest.fixture
def skewed() -> Iterator[tuple[HTTPServer, list[float]]]:
    """Run a server whose clock is ahead by as many seconds as the list says."""
    ahead = [0.0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(time() + ahead[0])

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server, ahead
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        (0, "ok", "the same"),
        (100, "warning", "behind"),
        (-100, "warning", "ahead of"),
        (1000, "problem", "behind"),
        (-1000, "problem", "ahead of"),
    ],
)
def test_clocks_that_differ_are_told(
    tmp_path: Path,
    skewed: tuple[HTTPServer, list[float]],
    ahead: float,
    level: str,
    words: str,
) -> None:
    server, clock = skewed
    clock[0] = ahead
    name = f"127.0.0.1:{server.server_address[1]}"
    case = patient(tmp_path, {"HEX_API_URL": f"http://{name}/api"})

    assert levels(look, case)[f"clock of {name}"] == level
    assert words in texts(look, case)[f"clock of {name}"]


@pytest.mark.parametrize(("days", "level"), [(100, "ok"), (13, "warning")])
def test_a_certificate_is_told_with_its_issuer_its_end_and_who_trusts_it(
    tmp_path: Path, serve: Serve, days: int, level: str
) -> None:
    root = sign("Test Root", is_authority=True)
    (tmp_path / "root.pem").write_bytes(root.pem)
    signed = sign("server", root, hosts=["127.0.0.1"], ends=timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.write(tmp_path / "server.pem"))
    url = serve(tls=context).api_url
    name = url.split("/")[2]
    case = patient(tmp_path, {"HEX_API_URL": url, "HEX_CACERTS_PATH": f"{tmp_path}/root.pem"})

    found = texts(look, case)

    end = signed.certificate.not_valid_after_utc
    assert levels(look, case)[f"certificate of {name}"] == level
    assert f"It is from Test Root, and ends on {end:%Y-%m-%d}." in found[f"certificate of {name}"]
    assert found[f"trust in {name}"] == "It is trusted by $HEX_CACERTS_PATH."
    assert ", by TLSv1." in found[name]


def test_a_server_that_is_not_trusted_is_a_problem_unless_none_is_checked(
    tmp_path: Path, serve: Serve, tls: ssl.SSLContext
) -> None:
    url = serve(tls=tls).api_url
    name = url.split("/")[2]
    trusting = patient(tmp_path, {"HEX_API_URL": url, "HEX_UNSAFE_HTTPS": "1"})

    assert levels(look, patient(tmp_path, {"HEX_API_URL": url})) == {name: "problem"}
    assert levels(look, trusting) == {name: "ok", f"clock of {name}": "ok"}


def test_certificates_that_are_not_there_are_a_problem(tmp_path: Path, serve: Serve) -> None:
    environ = {"HEX_API_URL": serve().api_url, "HEX_CACERTS_PATH": "/nowhere.pem"}
    case = patient(tmp_path, environ)

    assert set(levels(look, case).values()) == {"problem"}
    assert "There are no certificates at /nowhere.pem." in str(texts(look, case))


def test_a_server_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{unheard.getsockname()[1]}"
        case = patient(tmp_path, {"HEX_API_URL": f"http://{name}/api"})

        assert levels(look, case) == {name: "problem"}
        assert f"http://{name}/api cannot be reached" in texts(look, case)[name]


def test_a_server_that_never_answers_is_waited_for_as_long_as_was_set(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"127.0.0.1:{silent.getsockname()[1]}"
        environ = {"HEX_API_URL": f"http://{name}/api", "HEX_HTTP_TIMEOUT": "1"}
        begun = time()

        assert "no answer in time" in texts(look, patient(tmp_path, environ))[name]
        assert time() - begun < 30


def test_a_server_with_a_fault_is_a_warning(tmp_path: Path, serve: Serve) -> None:
    sandbox = serve(faults=["503=9"])
    case = patient(tmp_path, {"HEX_API_URL": sandbox.api_url})

    assert levels(look, case)[sandbox.api_url.split("/")[2]] == "warning"


def test_offline_nothing_is_sent(tmp_path: Path, serve: Serve) -> None:
    sandbox = serve()
    case = patient(tmp_path, {"HEX_API_URL": sandbox.api_url, "HEX_OFFLINE": "1"})

    assert texts(look, case) == {"servers": "Nothing was sent to any server."}
    assert sandbox.journal.log() == []


def test_hexpm_is_asked_at_its_api_and_its_repository(tmp_path: Path, serve: Serve) -> None:
    one, two = serve(), serve()
    environ = {"HEX_API_URL": one.api_url, "HEX_TRUSTED_MIRROR_URL": two.url}

    found = levels(look, patient(tmp_path, environ))

    assert {name for name in found if " " not in name} == {
        url.split("/")[2] for url in (one.api_url, two.url)
    }


def test_a_proxy_is_told_by_its_host_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://me:S3CRET@127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    environ = {"HEX_API_URL": "https://hex.test/api", "HTTPS_PROXY": "set", "NO_PROXY": "a.test"}

    found = texts(look, patient(tmp_path, environ))

    assert found["proxy for hex.test"] == "127.0.0.1:1"
    assert found["no_proxy"] == "No proxy is used for a.test."
    assert "S3CRET" not in str(found)
