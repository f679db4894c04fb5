"""What people see, as text: commands run in this process, on a machine whose names are fixed.

`python -m tests.stage` writes `tests/cli/layouts/` anew; look at what changes.
"""

import json
import re
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hexauth.cli.main import main
from hexauth.cli.options import Flags
from hexauth.login.record import WAITING, Record, write_record
from hexauth.login.tokens import Tokens
from hexauth.machine.folders import BASES, places
from hexauth.machine.terminal import on
from hexauth.model import Kind, Login, Token
from hexauth.vault.home import Home
from hexauth.world.settings import SETTINGS, load

USER = "/home/alice.test"
"""What stands for the home folder, whose name is as long."""

API = "https://hex.test/api"

WIDTHS = (40, 80, 120)


def jwt(**claims: object) -> str:
    """Return what a server would sign."""
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


class Stage:
    """A home folder, and the commands of hexauth in this process, at any width and any time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._held = ExitStack()
        self.environ: dict[str, str | None] = {
            **{name: None for setting in SETTINGS for name in setting.variables},
            **dict.fromkeys(("XDG_RUNTIME_DIR", *BASES)),
            "HOME": str(home),
            "SHELL": "/bin/bash",
            "PATH": f"{home}/bin",
            "HEXAUTH_HOME": f"{home}/hexauth",
            "HEXAUTH_VAULT": "file",
            "HEX_API_URL": API,
        }

    def put(self, name: str, text: str) -> Path:
        """Write a file of the home folder."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text)
        return path

    def invoke(self, *words: str, width: int = 80, give: str = "") -> Result:
        """Run a command; what goes wrong is in the result's `exception`."""
        environ = {**self.environ, "COLUMNS": str(width)}
        return CliRunner(env=environ).invoke(main, words, input=give, obj=Flags())

    def shown(self, *words: str, width: int = 80) -> str:
        """Return what a command prints, without the names that differ from run to run."""
        text = self.invoke(*words, width=width).stdout.replace(str(self.home), USER)
        text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "2026-12-29", text)
        return re.sub(r"[0-9]{2}:[0-9]{2}(?=\s+UTC)", "12:00", text)

    def said(self, *words: str) -> Any:
        """Return what a command tells programs."""
        return json.loads(self.invoke(*words, "--json").stdout)

    def home_of(self) -> Home:
        """Return the home as the commands see it."""
        environ = {name: value for name, value in self.environ.items() if value}
        here = places(environ)
        return Home(environ, load(environ, here.config), here, on(None))

    def tokens(self, server: str = API, account: str = "") -> Tokens:
        """Return a login there, which need not exist."""
        home = self.home_of()
        return Tokens(home, Login(server, home.settings.client_id, account))

    def log_in(self, user: str, account: str = "", *, ago: float = 0, life: float = 1800) -> Tokens:
        """Let `user` have logged in, so many seconds `ago`, with a session of 30 days."""
        tokens = self.tokens(account=account)
        now = int(tokens.home.now() - ago)
        token = Token(
            jwt(sub=f"user:{user}"),
            jwt(sub=f"user:{user}", iat=now, exp=now + 30 * 86400),
            int(now + life),
            "api:read api:write repositories",
            now,
        )
        with tokens.changing():
            tokens.save(token)
        return tokens

    def keep_key(self) -> None:
        """Keep an API key in place of a login."""
        tokens = self.tokens()
        with tokens.changing():
            tokens.save(Token("0" * 32, kind=Kind.KEY, issued_at=int(tokens.home.now())))

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let a login be under way, in process 4711, with the code BCDF-GHJK."""
        turn, now = self.tokens().login_turn, self.tokens().home.now()
        page = "https://hex.test/oauth/device?user_code=BCDFGHJK"
        write_record(
            turn,
            Record(
                state=WAITING,
                attempt=1,
                pid=4711,
                user_code="BCDFGHJK",
                verification_uri=page,
                verification_uri_complete=page,
                device_code="d",
                interval=5,
                lifetime=600,
                deadline=now + 600,
            ),
        )
        with turn.held(0):
            yield

    def wait(self) -> None:
        """Let a login be under way until `close`."""
        self._held.enter_context(self.waiting())

    def close(self) -> None:
        """Let what is under way end."""
        self._held.close()


@contextmanager
def stage() -> Iterator[Stage]:
    """Make a home folder whose name has always the same length."""
    with tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as folder:
        assert len(folder) == len(USER)
        yield Stage(Path(folder))


def _status(here: Stage) -> None:
    here.log_in("alice")
    here.log_in("bob", "work")
    _keys(here)
    here.invoke("store", give="protocol=https\nhost=git.test\nusername=u\npassword=p\n\n")


def _under_way(here: Stage) -> None:
    here.log_in("alice", ago=40 * 86400)
    here.wait()


def _keys(here: Stage) -> None:
    for words in (["hexpm:acme"], ["hexpm:acme", "--kind", "repo_key"], [API]):
        here.invoke("key", "add", *words, "--no-verify", give=f"{'0' * 32}\n")


def _setup(here: Stage) -> None:
    here.put("bin/mix", "#!/bin/sh\n").chmod(0o755)
    here.invoke("setup", "git")


def _import(here: Stage) -> None:
    here.put(".git-credentials", "https://alice:p@git.test\nno URL\nhttps://b:p@git.test/a/path\n")
    here.put(".hex/hex.config", "{'$read_key',<<\"0123456789abcdef0123456789abcdef\">>}.\n")
    here.put(".cache/gleam/hex/hexpm/credentials", "alice\nencrypted\n")


def _config(here: Stage) -> None:
    here.invoke("config", "set", "allow_http", "http://a.test,http://b.test:8080,http://c.test")
    here.invoke("config", "set", "repositories.acme.url", "https://hex.acme.example.com/packages")
    here.invoke("config", "set", "accounts.https://hex.pm/api", "alice")
    here.environ["HEX_API_KEY"] = "0" * 32


SCENES: dict[str, tuple[Callable[[Stage], object], tuple[str, ...]]] = {
    "status": (_status, ("status",)),
    "status-under-way": (_under_way, ("status",)),
    "status-nobody": (lambda here: None, ("status",)),
    "key-list": (_keys, ("key", "list")),
    "setup": (_setup, ("setup",)),
    "import": (_import, ("import",)),
    "import-yes": (_import, ("import", "--yes")),
    "config-list": (_config, ("config", "list")),
}
"""What is kept as text: what comes before, and the command."""

FOLDER = Path(__file__).parent / "cli/layouts"


def texts(scene: str, widths: tuple[int, ...] = WIDTHS) -> dict[str, str]:
    """Return what a scene looks like at each width, by the names of its files."""
    prepare, words = SCENES[scene]
    found = {}
    for width in widths:
        with stage() as here:
            prepare(here)
            found[f"{scene}-{width}.txt"] = here.shown(*words, width=width)
            here.close()
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for found in map(texts, SCENES):
        for name, text in found.items():
            (FOLDER / name).write_text(text, "utf-8")
