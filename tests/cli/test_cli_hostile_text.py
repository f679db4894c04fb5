"""Nothing that others have written acts on a terminal, whichever way it comes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.cli.hostile import EVIL, LONG, Hostile, Reply, assert_harmless, token
from tests.conftest import SECONDS, Machine

NOWHERE = "http://127.0.0.1:1/api"

SIGN = r"\x1b[2J"
"""What it looks like where it was shown."""

NAME = EVIL.replace("/", "|")[:90]
"""The same as a file's name, which has 255 bytes at most."""


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """Return a machine whose server is not there."""
    return Machine(tmp_path, NOWHERE)


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as hostile:
        yield hostile


@pytest.fixture
def client(tmp_path: Path, server: Hostile) -> Machine:
    """Return a machine whose server is hostile."""
    return Machine(tmp_path, f"{server.url}/api")


ARGUMENTS = (
    ("hexauth", LONG),
    ("hexauth", f"--{LONG}"),
    ("hexauth", "get", LONG),
    ("hexauth", "get", f"https://{LONG}"),
    ("hexauth", "get", f"--{LONG}"),
    ("hexauth", "get", "--format", LONG),
    ("hexauth", "get", "--repo", LONG),
    ("hexauth", "get", "--min-ttl", LONG),
    ("hexauth", "login", LONG),
    ("hexauth", "login", f"--{LONG}"),
    ("hexauth", "logout", LONG),
    ("hexauth", "status", "--vault", LONG),
    ("hexauth", "config", f"--{LONG}"),
    ("hexauth", "config", LONG),
    ("hexauth", "config", "get", LONG),
    ("hexauth", "config", "set", f"servers.{LONG}", "x"),
    ("hexauth", "config", "unset", f"accounts.{LONG}"),
    ("hexauth", "import", f"--{LONG}"),
    ("hexauth", "key", LONG),
    ("hexauth", "key", "add", LONG),
    ("hexauth", "key", "remove", LONG),
    ("hexauth", "switch", LONG),
    ("hexauth", "switch", "alice", LONG),
    ("hexauth", "setup", LONG),
    ("hexauth", "setup", "docker", "--host", LONG),
    ("hexauth", "exec", LONG, "--", "true"),
    ("hexauth", "exec", "--", LONG),
    ("hexauth", "exec", "--", NAME),
    ("hexauth", "exec", f"--otp={LONG}", "--", "true"),
    ("hexauth", "exec", "--env", LONG, "--", "true"),
    ("hexauth", "api", f"https://{LONG}"),
    ("hexauth", "api", "users/me", "-f", LONG),
    ("hexauth", "api", "users/me", "-H", LONG),
    ("hexauth", "api", "users/me", "--input", NAME),
    ("hexauth", "api", "users/me", "--target", LONG),
    ("hexauth", "proxy", "--port", LONG),
    ("hexauth", "proxy", "--address", LONG),
    ("hexauth", "store", f"--{LONG}"),
    ("hexauth", "erase", f"--{LONG}"),
    ("hexauth", "sandbox", "--fault", LONG),
    ("hexauth", "sandbox", "--fault", f"503@{LONG}"),
    ("hexauth", "sandbox", "--registry", NAME),
    ("hexauth", "sandbox", "--", NAME),
    ("git-credential-hexauth", f"--{LONG}", "get"),
)


@pytest.mark.parametrize("words", ARGUMENTS, ids=lambda words: " ".join(words).partition("\a")[0])
def test_arguments_are_shown_escaped_and_cut(here: Machine, words: tuple[str, ...]) -> None:
    done = here.run(*words)

    assert done.returncode not in (0, 1) or words[1] in ("switch", "exec")
    assert done.stdout == b""
    assert_harmless(done.stderr)


@pytest.mark.parametrize(
    ("program", "words", "give"),
    [
        ("hexauth", ["get", "--no-login"], f"protocol=https\nhost={LONG}\n\n"),
        ("hexauth", ["get", "--no-login", "--explain"], f"protocol=https\nhost={LONG}\n\n"),
        ("hexauth", ["get", "--no-login"], f"protocol={LONG}\nhost=a.example\n\n"),
        ("hexauth", ["get", "--no-login"], f"protocol=https\nhost=a.example\npath={LONG}\n\n"),
        ("hexauth", ["get", "--no-login"], f"{LONG}\n\n"),
        ("hexauth", ["store"], f"protocol=https\nhost={LONG}\nusername={LONG}\npassword=x\n\n"),
        ("hexauth", ["erase"], f"protocol=https\nhost={LONG}\npassword={LONG}\n\n"),
        ("hexauth", ["login", "--with-token"], LONG),
        ("hexauth", ["key", "add", "hexpm"], LONG),
        ("docker-credential-hexauth", ["get"], LONG),
        ("docker-credential-hexauth", ["erase"], LONG),
        ("docker-credential-hexauth", ["store"], json.dumps({"ServerURL": LONG})),
        ("docker-credential-hexauth", [LONG], ""),
        ("hexauth-bazel", ["get"], json.dumps({"uri": f"https://{LONG}/"})),
        ("hexauth-bazel", ["get"], LONG),
        ("hexauth-bazel", [LONG], ""),
        ("git-credential-hexauth", ["get"], f"url={LONG}\n\n"),
    ],
)  # fmt: skip
def test_requests_of_other_programs_are_shown_escaped_and_cut(
    here: Machine, program: str, words: list[str], give: str
) -> None:
    done = here.run(program, *words, give=give.replace("\r", "").encode())

    assert_harmless(done.stdout + done.stderr, sign=None)


@pytest.mark.parametrize(
    ("variable", "value", "words", "sign"),
    [
        ("HEXAUTH_HOME", "{home}/" + NAME, ["status"], SIGN),
        ("HEXAUTH_HOME", "{home}/" + NAME, ["config"], SIGN),
        ("HEXAUTH_HOME", "{home}/" + LONG, ["login"], SIGN),
        ("HEXAUTH_HOME", "~" + NAME, ["status"], None),
        ("HOME", "{home}/" + NAME, ["import"], None),
        ("HOME", "{home}/" + NAME, ["setup", "git", "--dry-run"], SIGN),
        ("HOME", "{home}/" + NAME, ["setup", "mix", "--shell", "bash"], SIGN),
        ("SHELL", "/bin/" + NAME, ["setup", "mix"], SIGN),
        ("XDG_CONFIG_HOME", "{home}/" + LONG, ["config"], SIGN),
        ("HEX_HOME", "{home}/" + NAME, ["import"], None),
        ("HEX_API_URL", "https://" + LONG, ["status"], None),
        ("HEXAUTH_VAULT", LONG, ["status"], None),
        ("HEXAUTH_ACCOUNT", LONG, ["status"], None),
        ("HEXAUTH_CLIENT_ID", LONG, ["login"], None),
        ("HEXAUTH_ALLOW_HTTP", LONG, ["status"], None),
        ("HEXAUTH_MIN_TTL", LONG, ["get"], None),
        ("HEX_API_KEY", LONG, ["get", "hexpm", "--format", "token"], None),
        ("HEX_API_KEY", "\u00e9\u202e", ["get", "hexpm", "--format", "token"], None),
        ("HEX_CACERTS_PATH", LONG, ["login"], None),
        ("NO_PROXY", LONG, ["proxy"], None),
        ("HTTPS_PROXY", LONG, ["config"], None),
        ("PYTHON_KEYRING_BACKEND", LONG, ["status", "--vault", "keyring"], SIGN),
        ("BROWSER", LONG, ["login"], None),
        ("PATH", LONG, ["setup"], None),
    ],
)  # fmt: skip
def test_variables_are_shown_escaped_and_cut(
    here: Machine, variable: str, value: str, words: list[str], sign: str | None
) -> None:
    told = {variable: value.replace("{home}", str(here.home))}
    if variable in ("HOME", "XDG_CONFIG_HOME"):
        here.environ.pop("HEXAUTH_HOME")

    done = here.run(f"{Path(sys.executable).parent}/hexauth", *words, environ=told)

    assert_harmless(done.stdout + done.stderr, sign)


BARE = LONG.replace("\r", "").replace("/", "|").replace(":", ";").replace("?", "!")

STORED = json.dumps({"drawer/x": {"protocol": LONG, "host": LONG, "vault": LONG}})

KEYS = json.dumps({"keys/x": {"repository": LONG, "at": LONG, "kinds": LONG, "vault": LONG}})

MIX = f'{{<<"$repos">>,#{{<<"{LONG}">> => #{{auth_key => <<"0123456789abcdef">>}}}}}}.\n'

REBAR = f'#{{<<"{LONG}">> => #{{repo_key => <<"0123456789abcdef">>}}}}.\n'

GIT = f"""[credential "https://a.example"]
oauthClientId = "x"
oauthDeviceAuthURL = "http://{BARE}"
oauthTokenURL = "http://{BARE}"
"""

STORE = json.dumps({"credsStore": LONG})

DOCKER = json.dumps({"credHelpers": {"a.example": LONG}})

OTHERS = json.dumps({"credHelpers": {LONG: LONG}})

TOML = json.dumps(LONG, ensure_ascii=True).replace("\\ud", "\\\\ud")


@pytest.mark.parametrize(
    ("file", "content", "words", "sign"),
    [
        ("hexauth/config.toml", LONG, ["status"], None),
        ("hexauth/config.toml", f"{TOML} = 1", ["status"], SIGN),
        ("hexauth/config.toml", f"vault = {TOML}", ["status"], None),
        ("hexauth/config.toml", f"[accounts]\n{TOML} = 'a'", ["status"], None),
        ("hexauth/config.toml", f"[repositories.{TOML}]\nurl = 'x'", ["config"], None),
        ("hexauth/config.toml", f"[servers.'https://a.example']\n{TOML} = 'x'", ["config"], None),
        ("hexauth/state/index.json", STORED, ["status"], SIGN),
        ("hexauth/state/index.json", KEYS, ["status"], SIGN),
        ("hexauth/state/index.json", KEYS, ["key", "list"], SIGN),
        ("hexauth/state/index.json", LONG, ["status"], None),
        ("hexauth/vault/vault.json", LONG, ["status"], None),
        (".git-credentials", f"https://{BARE}:b@{BARE}/\n", ["import"], SIGN),
        (".hex/hex.config", MIX, ["import"], SIGN),
        (".hex/hex.config", LONG, ["import"], None),
        (".config/rebar3/hex.config", REBAR, ["import"], SIGN),
        (".config/rebar3/hex.config", LONG, ["import"], None),
        (".docker/config.json", STORE, ["setup", "docker", "--all-hosts"], SIGN),
        (".docker/config.json", DOCKER, ["setup", "docker", "--host", "a.example"], SIGN),
        (".docker/config.json", OTHERS, ["setup", "docker", "--host", "b.x", "--dry-run"], "b.x"),
        (".docker/config.json", LONG, ["setup", "docker", "--all-hosts"], None),
        (".gitconfig", LONG, ["setup", "git"], None),
        (".gitconfig", GIT, ["login", "https://a.example"], None),
        (".bashrc", f"{LONG}\n", ["setup", "mix", "--shell", "bash", "--dry-run"], None),
    ],
)  # fmt: skip
def test_files_are_shown_escaped_and_cut(
    here: Machine, file: str, content: str, words: list[str], sign: str | None
) -> None:
    path = here.home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8", newline="")

    done = here.hexauth(*words)

    assert_harmless(done.stdout + done.stderr, sign)


def test_hosts_and_names_that_a_tool_has_stored_are_shown_escaped(here: Machine) -> None:
    """What a protocol hands over comes back as it was, and in JSON as ASCII."""
    text, server, docker = (
        "\x1b[2J\x9b\u202e\u200b",
        "registry.example/é",
        "docker-credential-hexauth",
    )
    said = f"protocol=https\nhost={text}\nusername={text}\npassword=x\n\n".encode()
    given = json.dumps({"ServerURL": server, "Username": "zoë", "Secret": text}).encode()

    kept = [here.hexauth("store", give=said), here.run(docker, "store", give=given)]
    seen = here.hexauth("status")
    found = here.run(docker, "get", give=server.encode())
    listed = here.run(docker, "list")
    explained = here.hexauth("get", "--explain", give=said)

    assert [(done.returncode, done.stdout + done.stderr) for done in kept] == [(0, b"")] * 2
    assert_harmless(seen.stdout)
    assert (found.stdout + listed.stdout).isascii()
    assert json.loads(found.stdout)["Secret"] == text
    assert explained.stdout == f"username={text}\npassword=x\n".encode()
    assert_harmless(explained.stderr, sign=None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply.saying(400, error=LONG),
        Reply.saying(400, error="invalid_scope", error_description=LONG),
        Reply.saying(400, error={LONG: LONG}),
        Reply.saying(503, error=LONG),
        Reply(200, LONG.encode()),
        Reply(200, EVIL.encode(), reason=EVIL.encode().replace(b"\r", b"")),
        Reply(418, b"{}", reason=b"\x1b[2J\x9b"),
        Reply(307, headers=((b"Location", b"https://\x1b[2J.example/"),)),
        Reply(200, b"{}", headers=((b"Content-Type", b"\x1b]52;c;x\x07"), (b"\x1b[2J", b"x"))),
        Reply.saying(200, device_code="d", user_code=EVIL, verification_uri="https://a.example"),
        Reply.saying(200, device_code="d", user_code="A" * 65, verification_uri="https://a.test"),
        Reply.saying(200, device_code="d", user_code="ABCD", verification_uri=f"https://{EVIL}"),
        Reply.saying(200, device_code="d", user_code="A", verification_uri=f"https://{999 * 'a'}"),
        Reply.saying(200, device_code=LONG, user_code="A", verification_uri="https://a.example"),
    ],
)  # fmt: skip
def test_servers_answers_to_a_login_are_shown_escaped_and_cut(
    client: Machine, server: Hostile, reply: Reply
) -> None:
    server.replies["/device_authorization"] = reply

    done = client.hexauth("login", "--no-browser")

    assert done.returncode in (4, 6)
    assert_harmless(done.stdout + done.stderr, sign=None)


def test_a_code_of_64_characters_is_shown_and_a_longer_one_is_refused(
    client: Machine, server: Hostile
) -> None:
    server.replies["/device_authorization"] = server.grant(user_code="A" * 64)
    longest = client.hexauth("login", "--no-browser")
    server.replies["/device_authorization"] = server.grant(user_code="A" * 65)

    longer = client.hexauth("login", "--force")

    assert (longest.returncode, longer.returncode) == (0, 6)
    assert b"A" * 64 in longest.stderr
    assert b"A" * 65 not in longer.stderr


@pytest.mark.parametrize(
    "words",
    [["status"], ["status", "--json"], ["login"], ["login", "--account", "x"], ["switch", "x"],
     ["get", "hexpm", "--explain", "--format", "json"], ["logout"]],
)  # fmt: skip
def test_names_and_scopes_of_a_token_are_shown_escaped_and_cut(
    client: Machine, server: Hostile, words: list[str]
) -> None:
    server.replies["/token"] = Reply.saying(
        access_token=token(LONG), refresh_token=token(LONG), expires_in=1800, scope=LONG
    )
    first = client.hexauth("login", "--no-browser")
    server.replies["/device_authorization"] = Reply.saying(400, error="access_denied")

    done = client.hexauth(*words)

    assert_harmless(first.stderr)
    output = done.stdout + done.stderr
    if "json" in words[-1]:
        assert output.isascii()
        json.loads(done.stdout)
    else:
        assert_harmless(output, r"\x1b[2J" if "x" not in words and "logout" not in words else None)


@pytest.mark.parametrize("words", [["api", "x", "-i"], ["api", "x", "--paginate"]])
@pytest.mark.parametrize(
    "reply",
    [
        Reply.saying(404, message=LONG),
        Reply(500, LONG.encode(), reason=b"\x1b[2J"),
        Reply(200, EVIL.encode(), headers=((b"X-Evil", b"\x1b[2J\x9b\xe2\x80\xae"),)),
    ],
)
def test_answers_of_an_api_reach_a_pipe_as_they_are_and_a_terminal_escaped(
    client: Machine, server: Hostile, words: list[str], reply: Reply
) -> None:
    client.environ["HEX_API_KEY"] = "0123456789abcdef"
    server.replies["/x"] = reply

    piped = client.hexauth(*words)
    seen = terminal(client, words)

    assert piped.stdout.endswith(reply.body)
    assert_harmless(piped.stderr, r"\x1b[2J" if reply.status == 404 else None)
    assert_harmless(seen.replace(b"\r\n", b"\n").replace(b"A" * 5000, b""), sign=None)
    assert rb"\x1b[2J" in seen or b"u001b" in seen


def test_text_stays_readable_at_a_terminal(client: Machine, server: Hostile) -> None:
    client.environ["HEX_API_KEY"] = "0123456789abcdef"
    server.replies["/x"] = Reply(200, "Zürich\t漢\n\tend".encode() + b"\xff")

    assert terminal(client, ["api", "x"]) == "Zürich\t漢\r\n\tend\\xff\r\n".encode()


def test_half_a_surrogate_in_a_list_of_pages_is_no_fault(client: Machine, server: Hostile) -> None:
    client.environ["HEX_API_KEY"] = "0123456789abcdef"
    server.replies["/x"] = Reply(200, b'["\\ud800", "\\u00e9"]')

    done = client.hexauth("api", "x", "--paginate")

    assert (done.returncode, done.stdout) == (0, b'["\\ud800", "\\u00e9"]')


def terminal(machine: Machine, words: list[str]) -> bytes:
    """Return what a terminal is sent by `hexauth` with `words`."""
    shell = pexpect.spawn(
        "hexauth", words, env=machine.environ, cwd=machine.home, timeout=SECONDS, echo=False,
        dimensions=(24, 4000),
    )  # fmt: skip
    shell.expect(pexpect.EOF)
    shell.close()
    return bytes(shell.before)


KEYRING = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError
EVIL = {evil!a}

class Raising(KeyringBackend):
    priority = 1
    name = EVIL

    def get_password(self, service, username):
        print(EVIL)
        raise KeyringError(EVIL)

    set_password = delete_password = get_password


class Lying(Raising):
    def get_password(self, service, username):
        return EVIL
"""


@pytest.mark.parametrize("backend", ["Raising", "Lying"])
@pytest.mark.parametrize("words", [["status"], ["get", "hexpm", "--no-login"], ["logout"]])
def test_keyrings_are_shown_escaped_and_cut(here: Machine, backend: str, words: list[str]) -> None:
    (here.home / "evil_keyring.py").write_text(KEYRING.format(evil=LONG))
    told = {
        "PYTHONPATH": str(here.home),
        "PYTHON_KEYRING_BACKEND": f"evil_keyring.{backend}",
        "HEXAUTH_VAULT": "keyring",
    }

    done = here.hexauth(*words, environ=told)

    assert done.returncode == 7
    assert_harmless(done.stdout + done.stderr, sign=None)


@pytest.mark.parametrize("access", ["\x1b[2J", "\x9b", "\u202e", "tok\u00e9n", "a\nb"])
def test_token_that_no_server_may_have_sent_is_not_handed_out(client: Machine, access: str) -> None:
    """Whoever can write into the vault cannot reach the terminal by it."""
    client.environ["HEXAUTH_CACHE"] = "off"
    assert client.hexauth("login").returncode == 0
    vault = client.home / "hexauth/vault/vault.json"
    vault.write_text(
        vault.read_text().replace(token("alice"), json.dumps(json.dumps(access))[3:-3])
    )

    done = client.hexauth("get", "hexpm", "--format", "token", "--no-login")

    assert (done.returncode, done.stdout) == (7, b"")
    assert_harmless(done.stderr, "is not hexauth's")


ASK = """
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen(os.environ["HEX_API_URL"] + "/users/me")
except urllib.error.HTTPError as error:
    os.write(1, error.read())
"""


def test_what_a_proxy_tells_a_program_is_escaped_and_cut(here: Machine) -> None:
    """Programs show it to the person."""
    folder = here.home / NAME
    (folder / "vault").mkdir(parents=True)
    (folder / "vault/vault.json").write_text("{")

    done = here.hexauth("exec", "--", "python", "-c", ASK, environ={"HEXAUTH_HOME": str(folder)})

    assert_harmless(done.stdout)


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "LANG": ""}


@pytest.mark.parametrize(
    ("program", "words", "give"),
    [
        ("hexauth", ["get", "Zürich"], b""),
        ("hexauth", ["status"], b""),
        ("hexauth", ["config"], b""),
        ("hexauth", ["setup", "mix", "--shell", "zürich"], b""),
        ("docker-credential-hexauth", ["get"], b"a.example"),
    ],
)
def test_what_cannot_be_written_in_a_locale_is_escaped(
    here: Machine, program: str, words: list[str], give: bytes
) -> None:
    told = {**ASCII, "HEXAUTH_HOME": str(here.home / "Zürich")}
    (here.home / "Zürich").mkdir()
    if program != "hexauth":
        (here.home / "Zürich/config.toml").write_text("zürich = 1")

    done = here.run(program, *words, give=give, environ=told)

    output = done.stdout + done.stderr
    assert output.isascii()
    assert b"rich" in output
    assert_harmless(output, sign=None)


def test_closed_standard_error_changes_no_exit_code(here: Machine) -> None:
    done = here.run("sh", "-c", "exec hexauth get nonsense 2>&-")

    assert (done.returncode, done.stdout) == (2, b"")
