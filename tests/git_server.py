"""Git over HTTP, `git http-backend`, behind a door that wants a Hex token; and Hex beside it.

Both have one origin, as the credential that hexauth hands out is for the Hex server's alone.
"""

import os
import subprocess
import urllib.request
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError

from hexauth.sandbox.serve import Sandbox


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below `root`; what is below /api goes to a sandbox."""

    daemon_threads = True

    def __init__(self, root: Path, backend: str, sandbox: Sandbox) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.backend, self.sandbox = root, backend, sandbox
        self.refused = 0
        """How many requests have brought a credential that does not work."""

    @property
    def url(self) -> str:
        """The server's origin."""
        return f"http://127.0.0.1:{self.server_port}"

    def lets_in(self, authorization: str) -> bool:
        """Tell whether a header presents a token that works now, as Bearer or as a password."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                value = b64decode(value).decode().partition(":")[2]
            except (Error, UnicodeDecodeError):
                return False
        return self.sandbox.hexpm.authenticate(f"Bearer {value}") is not None


@contextmanager
def running(root: Path, backend: str, sandbox: Sandbox) -> Iterator[GitServer]:
    """Run such a server inside a `with` block."""
    with GitServer(root, backend, sandbox) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: GitServer

    def do_GET(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/"):
            self._forward(body)
            return
        authorization = self.headers.get("Authorization", "")
        if self.server.lets_in(authorization):
            self._serve_git(body)
            return
        self.server.refused += bool(authorization)
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815  (the name that http.server calls)

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def _forward(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(  # noqa: S310  (the sandbox's own address)
            self.server.sandbox.url + self.path,
            data=body or None,
            headers=headers,
            method=self.command,
        )
        try:
            answer = urllib.request.urlopen(request)  # noqa: S310
        except HTTPError as error:
            answer = error
        with answer:
            self._answer(answer.status, dict(answer.headers), answer.read())

    def _serve_git(self, body: bytes) -> None:
        """Run the backend, a CGI program (RFC 3875)."""
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REMOTE_USER": "alice",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            [self.server.backend], input=body, env=environ, capture_output=True, check=True
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        headers = {line[0]: line[-1] for line in lines}
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, headers, rest)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() in ("content-type", "cache-control", "www-authenticate"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
