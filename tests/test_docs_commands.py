"""What the pages tell people to type is typed: at a sandbox, page by page, in its order."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from hexauth.tools.catalog import TOOLS
from hexauth.world.settings import load
from tests.as_postgres import binaries
from tests.conftest import Machine, need
from tests.docs_pages import (
    PAGES,
    SHELL,
    Block,
    blocks,
    calls,
    every_block,
    known_options,
    parse,
)
from tests.homes import home, log_in
from tests.oauth_server import CLIENT_ID, OAuthServer
from tests.postgres import Postgres

NOT_RUN = {
    ("README.md", "pipx install hexauth"): "it installs from a registry",
    ("README.md", "pip install 'hexauth[postgres]'"): "docs/fleet.md does the same, and is run",
    ("docs/index.md", "pipx install hexauth"): "it installs from a registry",
    ("docs/install.md", "pipx install hexauth"): "it installs from a registry",
    ("docs/install.md", "uv tool install hexauth"): "it installs from a registry",
    ("docs/install.md", "python3 -m venv ~/.local/share/hexauth-venv"): "it does, too",
    (
        "docs/install.md",
        "mkdir -p ~/.local/share/man/man1 ~/.local/share/man/man5 ~/.local/share/man/man7 "
        "~/.local/share/bash-completion/completions",
    ): "it needs that environment; tests/test_wheel.py looks for the files",
    ("docs/packaging.md", "pipx install hexauth"): "it installs from a registry",
    ("docs/uninstall.md", "pipx uninstall hexauth"): "it would remove what runs here",
    (
        "docs/uninstall.md",
        "rm -r ~/.config/hexauth ~/.local/state/hexauth",
    ): "the folders of the machine in the tests are others",
    ("docs/fleet.md", "pipx install 'hexauth[postgres]'"): "it installs from a registry",
    (
        "docs/fleet.md",
        "createdb --host db.example.com --username postgres hexauth",
    ): "the test makes the database",
    ("docs/install.md", "sh scripts/demo"): "tests/test_readme.py runs it",
    ("docs/tools.md", "docker login registry.example.com:5000"): "it needs a registry; "
    "tests/cli/test_cli_docker.py has one, with skopeo",
    (
        "docs/organizations.md",
        "mix hex.organization key acme generate --key-name build --permission repository:acme",
    ): "it is mix's, and makes a key at Hex",
    (
        "docs/oauth-servers.md",
        "git clone https://git.example.com/you/project.git",
    ): "tests/cli/test_cli_git_http.py clones from a server of its own",
    (
        "docs/headless.md",
        "hexauth get hexpm --format token | ssh build 'read -r HEX_TOKEN && export HEX_TOKEN && "
        "./publish'",
    ): "it needs another machine",
    (
        "docs/sandbox.md",
        "mix hex.registry build DIR/repos/acme --name=acme --private-key=KEY.pem",
    ): "tests/cli/test_cli_exec_mix.py does so with the real mix",
    ("docs/sandbox.md", "sh scripts/test"): "this is it",
}
"""Blocks that are parsed, by the shell and by hexauth, and not run: where, and why."""

STAND_INS = {
    "mix": 'case "$1" in\n'
    'deps.get) curl -fsS "$HEX_TRUSTED_MIRROR_URL/repos/acme/names" ;;\n'
    'hex.user) curl -fsS ${HEX_API_KEY:+-H "Authorization: $HEX_API_KEY"} "$HEX_API_URL/users/me"'
    " ;;\nesac\n",
    "rebar3": 'test -n "$HEX_API_KEY" && test -n "$HEX_OTP"\n',
    "gleam": 'test -n "$HEX_API_KEY" && test -n "$HEXPM_READ_API_KEY"\n',
    "some-program": 'test -n "$TOKEN"\n',
    "docker": 'case "$*" in\n*--network=host*) curl -fsS "$HEX_TRUSTED_MIRROR_URL/names" ;;\n'
    "esac\n",
    "code": 'curl -fsS "$HEX_TRUSTED_MIRROR_URL/repos/acme/names"\n',
}
"""Programs that would need a project, a daemon or a screen: each wants what hexauth gives it."""

SHOWN = {
    "README.md": ["PRIVATE", '"username"'],
    "docs/index.md": ["eyJ"],
    "docs/getting-started.md": ["alice", "Authorization: Bearer eyJ", '"username"'],
    "docs/install.md": [],
    "docs/packaging.md": [],
    "docs/uninstall.md": ["No key is kept"],
    "docs/scripts.md": ['"username"', '"token"', "logged in"],
    "docs/tools.md": ['"username"', "PRIVATE"],
    "docs/private-packages.md": ["PRIVATE"],
    "docs/ci.md": ["PRIVATE", "PUBLIC", '"username"'],
    "docs/organizations.md": ["auth_key", "Authorization: Bearer eyJ", "PRIVATE"],
    "docs/fleet.md": ["is made", "logged in", "eyJ", "saved last", "ALTER"],
    "docs/self-hosted.md": ['"username"', "Authorization: repository-key"],
    "docs/oauth-servers.md": ["Authorization: Bearer", "password="],
    "docs/accounts.md": ["work", "home", "Authorization: Bearer eyJ", '"username"'],
    "docs/headless.md": ["PRIVATE", "PUBLIC"],
    "docs/sandbox.md": ["eyJ", "device_authorization"],
    "docs/settings.md": ["min_ttl = 300"],
    "docs/troubleshooting.md": ["problem"],
}
"""What the commands of each page print, among other things."""

RUN = [page for page in PAGES if blocks(page, *SHELL) and page in SHOWN]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, OAuthServer]]:
    """Start a Hex server with packages, and one that is not Hex, for all pages."""
    registry = tmp_path_factory.mktemp("registry")
    for name, text in (("names", "PUBLIC\n"), ("repos/acme/names", "PRIVATE\n")):
        (registry / name).parent.mkdir(parents=True, exist_ok=True)
        (registry / name).write_text(text)
    options = Options(interval=0.1, rate_limit=None, approve_after=0, registry=registry)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(options))
        yield sandbox, stack.enter_context(OAuthServer())


def here(folder: Path, sandbox: Sandbox) -> Machine:
    """Return a machine with the stand-ins."""
    machine = Machine(folder, sandbox.api_url)
    (folder / "bin").mkdir()
    for name, text in STAND_INS.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}")
        (folder / "bin" / name).chmod(0o755)
    machine.environ |= {
        "PATH": f"{folder / 'bin'}:{machine.environ['PATH']}",
        "SHELL": "/bin/bash",
        "HEX_TRUSTED_MIRROR_URL": str(sandbox.repository_url),
        "ORGANIZATION_KEY": sandbox.hexpm.add_key("repositories"),
        "CI_HEX_KEY": sandbox.hexpm.add_key("api repositories"),
        "REPOSITORY_KEY": "repository-key",
    }
    return machine


def script(page: str, sandbox: Sandbox, server: OAuthServer) -> str:
    """Return all that `page` tells to type, its config.toml included, for these servers."""
    parts = []
    for block in blocks(page, *SHELL, "toml"):
        if block.language == "toml":
            folder = '"$HEXAUTH_HOME"'
            parts.append(f"mkdir -p {folder}\ncat > {folder}/config.toml <<'END'\n{block.text}END")
        elif (page, block.first) not in NOT_RUN:
            parts.append(block.text)
    text = "\n".join(parts)
    host, _, port = sandbox.url.partition("//")[2].partition(":")
    assert host == "127.0.0.1"
    for written, meant in {
        "https://hex.pm/api": sandbox.api_url,
        "https://hex.example.com/repo": f"http://localhost:{port}/repo",
        "https://hex.example.com": f"http://localhost:{port}",
        "protocol=https\\nhost=git.example.com": "protocol=http\\nhost="
        + server.url.partition("//")[2],
        "https://git.example.com/oauth/authorize_device": f"{server.url}/device/code",
        "https://git.example.com/oauth/token": f"{server.url}/token",
        "https://git.example.com": server.url,
        "--client-id ID": f"--client-id {CLIENT_ID}",
        'client_id = "ID"': f'client_id = "{CLIENT_ID}"',
        "--otp ": "--otp=123456 ",
    }.items():
        text = text.replace(written, meant)
    return text


def with_database(text: str, stack: ExitStack) -> str:
    """Return a script with the database that it names; that is started if it names any."""
    named = "postgresql://{role}@db.example.com/hexauth"
    if named.format(role="postgres") not in text:
        return text
    need("postgres", "postgresql", path=binaries())
    server = stack.enter_context(Postgres(fast=True))
    server.create_database("hexauth")
    for role in ("postgres", "builders"):
        url = server.url(role=role, database="hexauth")
        text = text.replace(named.format(role=role), shlex.quote(url))
    return text


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_tells_to_type_works(
    servers: tuple[Sandbox, OAuthServer], tmp_path: Path, page: str
) -> None:
    for program, package in (("bash", "bash"), ("curl", "curl"), ("git", "git")):
        need(program, package)
    sandbox, server = servers
    machine = here(tmp_path, sandbox)
    text = script(page, sandbox, server)
    if not re.search(r"^hexauth login", text, re.MULTILINE):
        log_in(home(tmp_path / "hexauth", machine.environ), sandbox)
    if page == "docs/tools.md":  # it hands on what git has stored
        machine.hexauth("store", give=f"url={server.url}\nusername=u\npassword=p\n".encode())

    with ExitStack() as stack:
        text = with_database(text, stack)
        done = machine.run("bash", "-euxo", "pipefail", "-c", text)

    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    assert [words for words in SHOWN[page] if words not in said] == []


def test_every_page_with_commands_is_run() -> None:
    with_commands = {page for page in PAGES if blocks(page, *SHELL)}

    assert with_commands == set(RUN)


def test_what_is_not_run_is_there() -> None:
    found = {(block.page, block.first) for block in every_block(*SHELL)}

    assert set(NOT_RUN) - found == set()


def check(text: str) -> None:
    """Let a shell and hexauth's own parser read a script; nothing of it is run."""
    done = subprocess.run([need("bash", "bash"), "-n"], input=text.encode(), check=False)
    assert done.returncode == 0, text
    for words in calls(text):
        parse(words)


@pytest.mark.parametrize("block", [each for each in every_block(*SHELL) if
    (each.page, each.first) in NOT_RUN], ids=lambda block: block.first[:40])  # fmt: skip
def test_what_is_not_run_can_be_read(block: Block) -> None:
    check(block.text)


@pytest.mark.parametrize("block", every_block("yaml"), ids=lambda block: block.first)
def test_a_workflow_is_yaml_and_its_commands_can_be_read(block: Block) -> None:
    found = list(_commands(yaml.safe_load(block.text)))

    assert any("hexauth" in each for each in found)
    for each in found:
        check(each)


def _commands(value: Any) -> Iterator[str]:
    """Return the scripts in a workflow of GitHub's or GitLab's."""
    if isinstance(value, list):
        for each in value:
            yield from _commands(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "run":
                yield each
            elif key in ("script", "before_script"):
                yield from each
            else:
                yield from _commands(each)


@pytest.mark.parametrize("block", every_block("json"), ids=lambda block: block.first)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", every_block("toml"), ids=lambda block: block.first)
def test_a_config_toml_is_understood(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(block.text, "utf-8")

    assert "config.toml" in load({}, file).sources.values()


def test_a_misspelt_option_is_noticed() -> None:
    with pytest.raises(click.UsageError):
        check("umask 077 && hexauth key add hexpm:acme --valut file | cat")


def test_hexauth_in_a_text_has_the_options_that_it_is_said_to_have() -> None:
    wrong = []
    for page, text in PAGES.items():
        for words in re.findall(r"`(?:[A-Z_]+=\S+ )?hexauth ([^`]+)`", text):
            options = {each for each in words.partition(" -- ")[0].split() if each[:2] == "--"}
            unknown = {each.partition("=")[0] for each in options} - known_options(
                shlex.split(words)
            )
            wrong += [(page, words, each) for each in unknown - {"--"}]

    assert wrong == []


def test_every_tool_has_a_recipe() -> None:
    page = PAGES["docs/tools.md"]
    named = set(re.findall(r"hexauth setup `?([a-z0-9]+)", page))
    named |= set(re.findall(r"`(rebar3|gleam)`", page))

    assert set(TOOLS) <= named
