"""Completion in the real shells."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pexpect
import pytest

from hexauth.cli.main import main
from hexauth.world.settings import SETTINGS
from tests.conftest import need
from writers.completions import scripts
from writers.manual import completions

ROOT = Path(__file__).parent.parent.parent

SHELLS = {
    "bash": ("bash --norc --noprofile", "source {root}/completions/hexauth.bash"),
    "zsh": ("zsh -f", "autoload -U compinit; compinit -D -u; source {root}/completions/_hexauth"),
}

TYPED = [
    ("hexauth logi\t", "<login>"),
    ("hexauth get hexp\t:ac\t", "<get><hexpm:acme>"),
    ("hexauth get hexpm:a\t", "<get><hexpm:acme>"),
    ("hexauth get 'hexpm:a\t", "<get><hexpm:acme>"),
    ("hexauth get --repo hexpm:a\t", "<get><--repo><hexpm:acme>"),
    ("hexauth get --repo=hexpm:a\t", "<get><--repo=hexpm:acme>"),
    ("hexauth get https://git.e\t", "<get><https://git.example.com:8443>"),
    ("hexauth get --form\tjs\t", "<get><--format[=><]+json>"),
    ("hexauth get --format=js\t", "<get><--format=json>"),
    ("hexauth get --format js\t", "<get><--format><json>"),
    ("hexauth get --account al\t", "<get><--account><alice>"),
    ("hexauth status --vault ke\t", "<status><--vault><keyring>"),
    ("hexauth login --with\t", "<login><--with-token>"),
    ("hexauth login --account new https://hex.ex\t", "<https://hex.example.com/api>"),
    ("hexauth switch al\t", "<switch><alice>"),
    ("hexauth --vers\t", "<--version>"),
    ("hexauth key rem\thexpm:a\t", "<key><remove><hexpm:acme>"),
    ("hexauth key list --js\t", "<key><list><--json>"),
    ("hexauth api --target https://mirror\t", "<--target><https://mirror.example.com>"),
    ("hexauth api /users/me --input fi\t", "<--input><file with space>"),
    ("hexauth exec -- uniq-prog\t", "<exec><--><uniq-program>"),
    ("hexauth exec --env TOKEN=auth\t", "<exec><--env><TOKEN=authorization>"),
    ("hexauth setup reb\t", "<setup><rebar3>"),
    ("hexauth setup docker --host git.e\t", "<--host><git.example.com:8443>"),
    ("hexauth exec hexp\t:ac\t", "<exec><hexpm:acme>"),
    ("hexauth sandbox -- uniq-prog\t", "<sandbox><--><uniq-program>"),
    ("hexauth sandbox --fault half\t", "<--fault><half-json>"),
]

EVIL = ["evil;touch pwned", "evil$(touch pwned)", "evil`touch pwned`", "evil\ntouch pwned",
        "e'vil", "evil\\", "-evil", "*", "~evil", "evil\x1b[2J",
        "https://evil:s3cret@x.example"]  # fmt: skip


def fill(home: Path) -> None:
    """Write what a machine knows, as somebody with logins, keys and a config.toml has it."""
    (home / "h/state").mkdir(parents=True)
    index = {
        "login/hex": {"server": "https://hex.pm/api", "client_id": "c", "user": "alice"},
        "login/own": {"server": "https://hex.example.com/api", "client_id": "c", "account": "bob"},
        "login/not": {"server": "https://no.example", "client_id": "c", "exchange": "x"},
        "key/acme": {"repository": "hexpm:acme", "kinds": "auth_key", "at": "https://hex.pm/api"},
        "drawer/git": {"protocol": "https", "host": "git.example.com:8443"},
        "auto": {"vault": "file"},
    }
    for number, evil in enumerate(EVIL):
        index[f"login/{number}"] = {"server": evil, "client_id": "c", "user": evil}
        index[f"key/{number}"] = {"repository": evil, "kinds": "auth_key"}
        index[f"drawer/{number}"] = {"protocol": "https", "host": f"{evil}$"}
    (home / "h/state/index.json").write_text(json.dumps(index))
    tables = [f"[repositories.{json.dumps(each)}]" for each in EVIL]
    tables += ["[repositories.mirror]", 'url = "https://mirror.example.com"']
    (home / "h/config.toml").write_text("\n".join(tables))
    (home / "uniq-program").touch(0o700)
    (home / "file with space").touch()


def environ(home: Path) -> dict[str, str]:
    """Return the environment of a shell there."""
    path = [str(home), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {"PATH": os.pathsep.join(path), "HOME": str(home), "HEXAUTH_HOME": str(home / "h"),
            "LANG": "C.UTF-8", "TERM": "dumb"}  # fmt: skip


@pytest.fixture(scope="module", params=SHELLS)
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["pexpect.spawn[str]"]:
    """Yield an interactive shell in which `hexauth` prints its arguments instead of running."""
    home = tmp_path_factory.mktemp("home")
    fill(home)
    command, setting_up = SHELLS[request.param]
    child = pexpect.spawn(
        f"{need(request.param, request.param)}{command.removeprefix(request.param)}",
        env=environ(home),
        cwd=home,
        timeout=20,
        encoding="utf-8",
        dimensions=(50, 200),
    )
    child.sendline(setting_up.format(root=ROOT))
    child.sendline(r"""hexauth() { printf '<%s>' "$@"; printf ':end\n'; }""")
    yield child
    child.close(force=True)
    assert not (home / "pwned").exists()


@pytest.mark.parametrize(("typed", "arguments"), TYPED)
def test_interactive_shell_completes_what_is_typed(
    shell: "pexpect.spawn[str]", typed: str, arguments: str
) -> None:
    shell.send(f"{typed}\n")

    assert shell.expect([f"{arguments}:end\r", ":end\r", pexpect.TIMEOUT]) == 0


OFFERED = [
    ("hexauth lo", ["login", "logout"]),
    ("hexauth get ", ["hexpm", "hexpm:acme", "https://git.example.com:8443",
        "https://hex.example.com/api", "https://hex.pm/api", "https://mirror.example.com",
        "mirror"]),
    ("hexauth get hexpm ", []),
    ("hexauth get --format json hexpm:", ["hexpm:acme"]),
    ("hexauth get --repo ", ["hexpm", "hexpm:acme", "mirror"]),
    ("hexauth get --format js", ["json"]),
    ("hexauth get --min-ttl ", []),
    ("hexauth switch ", ["alice", "bob"]),
    ("hexauth switch alice ", ["hexpm", "https://hex.example.com/api", "https://hex.pm/api"]),
    ("hexauth key ", ["add", "list", "remove"]),
    ("hexauth key --", ["--help", "--verbose"]),
    ("hexauth key remove ", ["hexpm:acme"]),
    ("hexauth key remove --k", ["--kind"]),
    ("hexauth key list --k", []),
    ("hexauth setup git --host ", ["git.example.com:8443", "hex.example.com", "hex.pm",
        "mirror.example.com"]),
    ("hexauth login --no-b", ["--no-browser"]),
    ("hexauth --ver", ["--verbose", "--version"]),
    ("hexauth exec --env A=to", ["A=token"]),
    ("hexauth exec --env A", []),
    ("hexauth store ", []),
    ("hexauth nonsense ", []),
]  # fmt: skip

BASH = """
source {root}/completions/hexauth.bash
COMP_WORDBREAKS=' '
for COMP_LINE; do
    COMP_POINT=${{#COMP_LINE}}
    _hexauth hexauth
    printf '%s\\n' "${{COMPREPLY[@]}}" .
done
"""

FISH = """
source {root}/completions/hexauth.fish
for line in $argv
    complete --do-complete $line
    echo .
end
"""


def ask(home: Path, *words: str) -> list[list[str]]:
    """Return what a shell offers for each line, in order."""
    done = subprocess.run(
        words, capture_output=True, env=environ(home), cwd=home, text=True, check=False
    )
    assert (done.stderr, (home / "pwned").exists()) == ("", False)
    blocks = done.stdout.split(".\n")[:-1]
    lines = [[line.partition("\t")[0] for line in block.split("\n")] for block in blocks]
    return [sorted(filter(None, each)) for each in lines]


def offered(shell: str, home: Path, lines: list[str]) -> list[list[str]]:
    """Return what one process of a shell offers for each of `lines`."""
    words = {
        "bash": ["--norc", "-c", BASH.format(root=ROOT), "bash"],
        "fish": ["--no-config", "-c", FISH.format(root=ROOT)],
    }
    return ask(home, need(shell, shell), *words[shell], *lines)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_shell_offers_what_fits_and_this_machine_knows(shell: str, tmp_path: Path) -> None:
    fill(tmp_path)

    found = offered(shell, tmp_path, [line for line, _ in OFFERED])

    assert dict(zip([line for line, _ in OFFERED], found, strict=True)) == dict(OFFERED)


def test_fish_keeps_the_option_before_an_equals_sign(tmp_path: Path) -> None:
    assert offered("fish", tmp_path, ["hexauth status --vault="]) == [
        ["--vault=auto", "--vault=file", "--vault=keyring"]
    ]


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_shell_is_told_nothing_of_what_cannot_be_read(shell: str, tmp_path: Path) -> None:
    (tmp_path / "h/state").mkdir(parents=True)
    (tmp_path / "h/config.toml").write_text("= nonsense")
    (tmp_path / "h/state/index.json").write_text("[")

    assert offered(shell, tmp_path, ["hexauth get ", "hexauth switch "]) == [["hexpm"], []]


def test_names_of_settings_are_offered_to_commands_that_take_one() -> None:
    @click.command()
    @click.argument("name")
    @click.argument("value")
    def command(name: str, value: str) -> None:
        """Do nothing."""

    found = scripts({"config": click.Group("config"), "config set": command})
    names = [each.name for each in SETTINGS if each.in_file]

    assert f'"config set 0") words="{" ".join(names)}"' in found["bash"]
    assert f":({' '.join(names)})'" in found["zsh"]
    assert f"-a '{' '.join(names)}'" in found["fish"]


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


def test_completions_in_the_repository_are_those_of_the_commands() -> None:
    assert set(completions()) == {"bash", "zsh", "fish"}
