"""Targets: the protocols, and the files and texts that people and other programs write."""

import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from fuzz.inputs import SECRET, Target, outcome
from fuzz.places import folder, home, standard_input
from hexauth import hex as hexpm
from hexauth import hot
from hexauth.errors import HexauthError, MalformedRequest, UsageError
from hexauth.model import Credential, Kind
from hexauth.model import Target as Place
from hexauth.protocols import bazel, challenge, docker, erlang, git, shell
from hexauth.servers.directory import server_for
from hexauth.servers.targets import parse_target
from hexauth.tools import blocks, docker_config
from hexauth.tools import kept as tools_kept
from hexauth.world import git_config, settings
from hexauth.world.urls import origin, split_url

GIT = (
    b"protocol=https\nhost=hex.pm\n\n",
    b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=hex.pm\npath=a/b\n"
    b"username=oauth2\nwwwauth[]=Basic realm=hex\n\n",
    f"url=https://me:{SECRET}@hex.pm:443/a%20b?c#d\npassword_expiry_utc=1790000000\n".encode(),
    b"protocol=https\nhost=hex.pm\npath\nwwwauth[]\n\n",
    f"protocol=https\nhost=x\nusername=\xfc\npassword={SECRET}\nephemeral=true\n"
    f"authtype=Bearer\ncredential={SECRET}\noauth_refresh_token={SECRET}\nquit=1\n\n".encode(),
)


def test_git(data: bytes) -> None:
    """A request is read as documented; `hot` reads the same, or leaves it; answers come back."""
    said = outcome(lambda: git.parse(data), MalformedRequest)
    front = hot.Front()
    with standard_input(data):
        quick = hot.understand(front, "hexauth", ["get"])
    assert quick is None or said is not None, "what is malformed is answered"
    if said is None:
        return
    target = said.target
    if quick is not None:
        here = os.fsencode(f"{target.protocol or ''}://{target.host or ''}")
        form = b"git-authtype" if "authtype" in said.capabilities else b"git"
        user = () if target.username is None else (os.fsencode(target.username),)
        assert quick == (here, form, *user)
    credential = Credential(target, target.username or "", said.secret or "", refresh_token="r")
    for known in ((), ("authtype",)):
        answer = outcome(partial(git.render, credential, known), MalformedRequest)
        assert answer is not None
        again = git.parse(answer)
        assert (again.target.username, again.secret) == (credential.username, credential.secret)


DOCKER = (
    f'{{"ServerURL": "https://r.test", "Username": "me", "Secret": "{SECRET}"}}'.encode(),
    b"https://index.docker.io/v1/\n",
    b"  r.test:5000  ",
)


def test_docker(data: bytes) -> None:
    """A request is read as documented, and an answer is read as the request that stored it."""
    server = outcome(lambda: docker.parse_server(data), MalformedRequest)
    assert server is None or (server == server.strip() and server.isprintable())
    stored = outcome(lambda: docker.parse_credential(data), MalformedRequest)
    if stored is not None:
        credential = Credential(Place("docker", stored[0]), *stored[1:])
        assert docker.parse_credential(docker.render(stored[0], credential)) == stored


BAZEL = (
    b'{"uri":"https://hex.pm/api"}',
    b'{"uri": "https://repo.hex.pm/a?b"}\n',
    b'{"uri":"https://hex.pm/api"}\v',
    b'{"a": [1, {"b": null}], "uri":"https:\\/\\/hex.pm"}',
)


def test_bazel(data: bytes) -> None:
    """A request is read as documented; `hot` reads the same, or leaves it."""
    uri = outcome(lambda: bazel.parse(data), MalformedRequest)
    front = hot.Front()
    with standard_input(data):
        quick = hot.understand(front, "bazel", ["get"])
    if quick is not None and quick[0] in ORIGINS:
        assert uri is not None
        assert _origin_of(uri) == quick[0]


ORIGINS = (b"https://hex.pm", b"https://repo.hex.pm")


def _origin_of(text: str) -> bytes | None:
    target = outcome(lambda: parse_target(text, home().settings), UsageError)
    return None if target is None else origin(str(target.protocol), str(target.host)).encode()


CHALLENGE = (
    b'Bearer realm="hex", error="token_expired"',
    b'Basic realm=hex, Negotiate YII==, Digest qop="a\\"b", x = 1',
    b", ,Bearer,Basic a=b,c=,=",
)


def test_challenge(data: bytes) -> None:
    """A field is read without an error, and what was read is read again as it was written."""
    found = challenge.parse(data.decode("latin-1"))
    challenge.wants_password(found)
    challenge.rejects_token(found)
    written = []
    for each in found:
        pairs = (f'{name}="{_escaped(value)}"' for name, value in each.parameters.items())
        written.append(f"{each.scheme} {each.token68 or ', '.join(pairs)}".rstrip())
    assert challenge.parse(", ".join(written)) == found


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


ERLANG = (
    b"%% coding: utf-8\n{'$read_key',<<\"0123456789abcdef0123456789abcdef\">>}.\n",
    b'{\'$repos\',#{<<"hexpm">> => #{trusted => true,auth_key => <<"0123456789abcdef0">>}}}.\n',
    b'#{<<"hexpm">> => #{read_key => <<"0123456789abcdef01">>,write_key => <<1,2>>}}.',
    b'[a,\'b c\',"d\\x{e9}\\n",-1.5e-3,<<>>,<<"\xc3\xbc"/utf8>>,#{},{},[]]. x.',
    b"#{" * 50 + b"'\\\\'" + b" => 1}" * 50 + b".",
    f"https://me:{SECRET}@git.example.com\nhttp://a%0ab@c\n\n".encode(),
)


def test_erlang(data: bytes) -> None:
    """Text is terms or refused, and each term means alone what it means in its file."""
    text = data.decode("utf-8", "surrogateescape")
    found = outcome(lambda: erlang.parse(text), UsageError)
    for term in found or ():
        (alone,) = erlang.parse(text[term.start : term.end])
        assert repr(alone.value) == repr(term.value)


def test_clients(data: bytes) -> None:
    """Whatever clients have kept is found or noted, and where it lies is where it is cut out."""
    base = folder() / "clients"
    paths = [".git-credentials", ".config/rebar3/hex.config", ".hex/hex.config"]
    for name in (*paths, ".cache/gleam/hex/hexpm/credentials"):
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for secret in tools_kept.find({"HOME": str(base)}):
        assert 0 <= secret.start <= secret.end <= len(data)
        if secret.program == "mix" and secret.end:
            (term,) = erlang.parse(
                data[secret.start : secret.end].decode("utf-8", "surrogateescape")
            )
            assert term.value == ("$read_key", secret.secret)


CONFIG = (
    b'vault = "file"\nmin_ttl = 60\ncache = "no"\nallow_http = ["http://a.test"]\n'
    b'[accounts]\n"https://hex.pm/api" = "work"\n',
    b'[repositories.acme]\nurl = "https://acme.test/repo"\ntrusted = false\n'
    b'[servers."https://git.example.com"]\nclient_id = "x"\nscope = "a b"\n',
    b"vault = " + b"[" * 3000,
    b"min_ttl = 0x" + b"f" * 4000,
    b'api_url = "http://[::1]:4000/api"\nmirror_url = "https://m.test"\nhttp_timeout = 0x10\n',
)


def test_config(data: bytes) -> None:
    """Every config.toml is read or refused, and says which servers there are, or why not."""
    path = folder() / "config.toml"
    path.write_bytes(data)
    found = outcome(lambda: settings.load({}, path), UsageError)
    if found is None:
        return
    here = home(found)
    for url in (
        *found.servers,
        found.api_url,
        *(t.get("url", "") for t in found.repositories.values()),
    ):
        if url:
            outcome(partial(server_for, here, Place(*split_url(url))), UsageError)


URLS = (
    b"https://hex.pm/api",
    b"https://me@hex.pm:443/a%2fb",
    b"https://me:password@hex.pm",
    b"http://[::1]:80/",
    b"hexpm:acme",
    "https://b\xfccher.test/\u2028".encode(),
)


def test_urls(data: bytes) -> None:
    """What a person names is a target or refused; where it is Hex, requests would go there."""
    text = data.decode("utf-8", "surrogateescape")
    target = outcome(lambda: parse_target(text, home().settings), UsageError)
    front = hot.Front()
    quick = hot.understand(front, "hexauth", ["get", text, "--format", "token"])
    if quick is not None and quick[0] in ORIGINS:
        assert _origin_of(text) == quick[0]
    if target is None or "://" not in text:
        return
    from requests import PreparedRequest, RequestException
    from urllib3.util import parse_url

    here = origin(str(target.protocol), str(target.host)).encode()
    sent = PreparedRequest()
    with suppress(RequestException):  # what cannot be sent goes nowhere
        sent.prepare_url(text, None)
        place = parse_url(sent.url or "")
        where = origin(str(place.scheme), place.netloc or "").encode()
        assert here == where or here not in ORIGINS


GIT_CONFIG = (
    b"credential.https://git.example.com.oauthClientId\nabc\0"
    b"credential.https://git.example.com.oauthDeviceAuthURL\n/login/device/code\0"
    b"credential.https://git.example.com.oauthTokenURL\nhttps://git.example.com/token\0",
    b"credential.https://git.example.com.oauthClientId\nabc\0"
    b"credential.https://git.example.com.oauthDeviceAuthURL\n//[\0"
    b"credential.https://git.example.com.oauthTokenURL\nhttps://[]/token\0",
    b"'credential.interactive=never' 'a.b=c'",
)


def test_git_config(data: bytes) -> None:
    """What git says of servers is read or passed over, and means a server or is refused."""
    text = data.decode("utf-8", "surrogateescape").replace("\0", " ")
    git_config.may_ask({"GIT_CONFIG_PARAMETERS": text})
    git_config.may_ask({"GIT_CONFIG_COUNT": text, "GIT_CONFIG_KEY_0": text})
    here = home()
    here.__dict__["git_oauth"] = git_config.told(data)
    outcome(lambda: server_for(here, Place("https", "git.example.com")), UsageError)


DOCKER_CONFIG = (
    b'{\n\t"auths": {"r.test": {"auth": "eA=="}},\n\t"credHelpers": {"a.test": "gcloud"}\n}\n',
    docker_config.put(None, ("r.test", "s.test"), everywhere=True),
    b'{"credHelpers": {"b.test": "hexauth", "c.test": "hexauth"}, "credsStore": "hexauth"}',
    b'{"credHelpers": {"b.test": "hexauth", "b.test": "hexauth"}}',
    b"{}",
)


def test_docker_config(data: bytes) -> None:
    """A config.json is changed as is wanted or refused, and changed back to what it said."""
    taken = outcome(lambda: docker_config.take(data), UsageError)
    assert taken is None or not docker_config.has(taken)
    for everywhere in (False, True):
        after = outcome(
            partial(docker_config.put, data, ("r.test",), everywhere=everywhere), UsageError
        )
        if after is not None:
            assert docker_config.has(after)
            assert not docker_config.has(docker_config.take(after))


BLOCKS = (
    b"a\n# >>> hexauth git >>>\nb\n# <<< hexauth git <<<\nc",
    b"# >>> hexauth mix >>> (after a line without an end)\n# <<< hexauth mix <<<\n",
    b"\xff\r\n",
)


def test_blocks(data: bytes) -> None:
    """A file is as it was when a block is taken out that was put in."""
    try:
        if blocks.has(data, "git"):
            return
    except UsageError:
        return
    after = blocks.put(data, "git", ["a", "b \udcff"])
    if blocks.take(data, "git") == data and b"# >>> hexauth " not in data:
        assert blocks.take(after, "git") == data


JWT = (
    b"eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJ1c2VyOmFsaWNlIiwiZXhwIjoxNzkwMDAwMDAwfQ.c2ln",
    b"Bearer a.eyJleHAiOiAxZTk5OX0.b",
    b'{"sub": "user:alice", "exp": 1790000000}',
)


def test_claims(data: bytes) -> None:
    """Whatever a token says of itself, it is a token; as an API key it has a kind."""
    from base64 import urlsafe_b64encode

    from hexauth.model import Token

    text = data.decode("latin-1")
    for access in (text, f"a.{urlsafe_b64encode(data).decode()}.b"):
        token = Token(access=access, refresh=access)
        hexpm.user_name(token)
        end = hexpm.session_end(token)
        assert end is None or isinstance(end, int)
    assert isinstance(hexpm.authorization(text)[0], Kind)


SHELL = (SECRET.encode(), b'it\'s "a\\b" $(c) `d`', b"\xff\xfe")


def test_shell(data: bytes) -> None:
    """A secret comes out of each format as it went in, or is refused."""
    secret = data.decode("utf-8", "surrogateescape")
    credential = Credential(Place("https", "x"), "me", secret, Kind.KEY)
    for form in shell.FORMATS:
        answer = outcome(partial(shell.render, credential, form), HexauthError)
        if answer is None:
            continue
        line = answer.decode("utf-8", "surrogateescape").removesuffix("\n")
        assert "\n" not in line
        assert READERS[form](line) == secret


def _unescaped(line: str) -> str:
    """Return the value in a line of curl's configuration (curl(1), --config)."""
    text = line.removeprefix('header = "')[:-1]
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


READERS: Mapping[str, Callable[[str], object]] = {
    "token": lambda line: line,
    "header": lambda line: line.removeprefix("Authorization: "),
    "json": lambda line: json.loads(line)["token"],
    "env": lambda line: shlex.split(line)[1].removeprefix("HEX_API_KEY="),
    "curl": lambda line: _unescaped(line).removeprefix("Authorization: "),
}
"""How each format is read by whom it is for."""


TARGETS = (
    Target("git", test_git, GIT),
    Target("docker", test_docker, DOCKER),
    Target("bazel", test_bazel, BAZEL),
    Target("challenge", test_challenge, CHALLENGE),
    Target("erlang", test_erlang, ERLANG),
    Target("shell", test_shell, SHELL),
    Target("clients", test_clients, ERLANG),
    Target("config", test_config, CONFIG),
    Target("urls", test_urls, URLS),
    Target("git-config", test_git_config, GIT_CONFIG),
    Target("docker-config", test_docker_config, DOCKER_CONFIG),
    Target("blocks", test_blocks, BLOCKS),
    Target("claims", test_claims, JWT),
)
