"""Completion in the real shells."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pexpect
import pytest

from hexauth.cli.main import main
from tests.conftest import need

ROOT = Path(__file__).parent.parent.parent

SHELLS = {
    "bash": ("bash --norc --noprofile", "source {root}/completions/hexauth.bash"),
    "zsh": ("zsh -f", "autoload -U compinit; compinit -D -u; source {root}/completions/_hexauth"),
}

TYPED = [
    ("hexauth logi\t", "<login>"),
    ("hexauth get hex\t", "<get><hexpm>"),
    ("hexauth get --form\tjs\t", "<get><--format[=><]+json>"),
    ("hexauth get --format=js\t", "<get><--format=json>"),
    ("hexauth get --format js\t", "<get><--format><json>"),
    ("hexauth status --vault ke\t", "<status><--vault><keyring>"),
    ("hexauth login --with\t", "<login><--with-token>"),
    ("hexauth --vers\t", "<--version>"),
    ("hexauth exec -- uniq-prog\t", "<exec><--><uniq-program>"),
    ("hexauth setup reb\t", "<setup><rebar3>"),
    ("hexauth exec hexp\t", "<exec><hexpm>"),
    ("hexauth sandbox -- uniq-prog\t", "<sandbox><--><uniq-program>"),
]


@pytest.fixture(scope="module", params=SHELLS)
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["pexpect.spawn[str]"]:
    """Yield an interactive shell in which `hexauth` prints its arguments instead of running."""
    home = tmp_path_factory.mktemp("home")
    (home / "uniq-program").touch(0o700)
    command, setting_up = SHELLS[request.param]
    path = f"{home}:{os.environ.get('PATH', os.defpath)}"
    child = pexpect.spawn(
        f"{need(request.param, request.param)}{command.removeprefix(request.param)}",
        env={"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"},
        cwd=home,
        timeout=20,
        encoding="utf-8",
        dimensions=(50, 200),
    )
    child.sendline(setting_up.format(root=ROOT))
    child.sendline(r"""hexauth() { printf '<%s>' "$@"; printf ':end\n'; }""")
    yield child
    child.close(force=True)


@pytest.mark.parametrize(("typed", "arguments"), TYPED)
def test_interactive_shell_completes_what_is_typed(
    shell: "pexpect.spawn[str]", typed: str, arguments: str
) -> None:
    shell.send(f"{typed}\n")

    assert shell.expect([f"{arguments}:end\r", ":end\r", pexpect.TIMEOUT]) == 0


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("hexauth lo", ["login", "logout"]),
        ("hexauth get ", ["hexpm"]),
        ("hexauth get --format js", ["json"]),
        ("hexauth status --vault=", ["--vault=auto", "--vault=file", "--vault=keyring"]),
        ("hexauth login --no", ["--no-browser"]),
        ("hexauth --ver", ["--verbose", "--version"]),
        ("hexauth store ", []),
    ],
)
def test_fish_offers_what_fits(typed: str, offered: list[str], tmp_path: Path) -> None:
    script = f"source {ROOT}/completions/hexauth.fish; complete --do-complete '{typed}'"

    words = [need("fish", "fish"), "--no-config", "-c", script]
    environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(tmp_path)}

    done = subprocess.run(words, capture_output=True, env=environ, text=True, check=False)

    found = sorted(line.partition("\t")[0] for line in done.stdout.splitlines())
    assert (found, done.stderr) == (offered, "")


@pytest.mark.parametrize("name", ["hexauth.bash", "_hexauth", "hexauth.fish"])
def test_completion_knows_every_option(name: str) -> None:
    known = (ROOT / "completions" / name).read_text("utf-8")
    context = click.Context(main)
    commands = [main.get_command(context, each) for each in main.list_commands(context)]
    options = {
        option.lstrip("-")
        for command in commands
        if command is not None and not command.hidden
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }

    assert {option for option in options if option not in known} == set()
