"""The tools that hexauth can be put into, as data: for each, the places where it is named."""

import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hexauth.errors import UsageError
from hexauth.machine.folders import base_folder, home_folder
from hexauth.machine.programs import find_program
from hexauth.tools import blocks, docker_config
from hexauth.tools.completions import completion
from hexauth.tools.edits import Content, Place, read

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Surroundings:
    """What the places depend on."""

    environ: Mapping[str, str]
    programs: Path
    """The folder of hexauth's own programs."""
    origins: tuple[str, ...]
    """Where hexauth logs in: `https://hex.pm` and the like."""
    shell: str = ""
    """The shell to change; empty for the user's own."""
    hosts: tuple[str, ...] = ()
    """Servers to answer for besides."""
    everywhere: bool = False

    @property
    def home(self) -> Path:
        """The user's folder."""
        return home_folder(self.environ)

    def folder(self, variable: str) -> Path:
        """Return one of the XDG base directories."""
        return base_folder(self.environ, variable)

    def program(self, name: str) -> str:
        """Return the absolute path of one of hexauth's programs."""
        return str(self.programs / name)


@dataclass(frozen=True)
class Tool:
    """A tool: its programs, what is done for it, and where."""

    programs: tuple[str, ...]
    about: str
    places: Callable[[Surroundings], list[Place]]


def git(here: Surroundings) -> list[Place]:
    """Return git's configuration of the user, where git itself would change it (git-config(1))."""
    xdg = here.folder("XDG_CONFIG_HOME") / "git/config"
    own = here.home / ".gitconfig"
    usual = xdg if xdg.exists() and not own.exists() else own
    path = Path(here.environ.get("GIT_CONFIG_GLOBAL") or usual)
    helper = _git_value(here.program("git-credential-hexauth"))
    lines = []
    for origin in (*here.origins, *(_origin(host) for host in here.hosts)):
        lines += [f'[credential "{origin}"]', "\thelper =", f"\thelper = {helper}"]
    if here.everywhere:
        lines += ["[credential]", f"\thelper = {helper}"]
    return [_block(path, "git", lines, partial(_check_git, here))]


def _git_value(program: str) -> str:
    """Return a helper as git's configuration wants it; git runs it through a shell."""
    if re.fullmatch(r"[A-Za-z0-9_./+-]+", program):
        return program
    command = f"!{shlex.quote(program)}".replace("\\", "\\\\").replace('"', '\\"')
    return f'"{command}"'


def _check_git(here: Surroundings, content: bytes) -> None:
    program = find_program("git", here.environ)
    if program is None:
        return
    done = subprocess.run(
        [program, "config", "--file", "-", "--list"],
        input=content,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise UsageError(
            "Git cannot read its configuration file.",
            hint="Put it in order first; `git config --list` says where; nothing was changed.",
        )


def _origin(host: str) -> str:
    return host if "://" in host else f"https://{host}"


def docker(here: Surroundings) -> list[Place]:
    """Return the configuration of docker, podman and skopeo (docker-login(1))."""
    folder = here.environ.get("DOCKER_CONFIG") or here.home / ".docker"
    put = partial(_put_docker, here)
    return [Place(Path(folder) / "config.json", put, docker_config.take, docker_config.has)]


def _put_docker(here: Surroundings, before: Content) -> Content:
    if not here.hosts and not here.everywhere:
        raise UsageError(
            "No registry is named.",
            hint="Name those that hexauth is for with --host, or all with --all-hosts.",
        )
    return docker_config.put(before, here.hosts, everywhere=here.everywhere)


def bazel(here: Surroundings) -> list[Place]:
    """Return the user's .bazelrc."""
    program = here.program("hexauth-bazel")
    names = [urlsplit(_origin(each)).hostname or "" for each in (*here.origins, *here.hosts)]
    scopes = [f"{name}=" for name in dict.fromkeys(names)]
    if "hex.pm=" in scopes:
        scopes.append("*.hex.pm=")
    options = [f"--credential_helper={each}{program}" for each in scopes]
    if here.everywhere:
        options.append(f"--credential_helper={program}")
    lines = [f"common {shlex.quote(each) if ' ' in each else each}" for each in options]
    return [_block(here.home / ".bazelrc", "bazel", lines)]


def curl(here: Surroundings) -> list[Place]:
    """Return a function `hexcurl`: curl has no helpers, but reads options from standard input."""
    get = f"{shlex.quote(here.program('hexauth'))} get hexpm --format curl"
    posix = ["hexcurl() {", f'    {get} | command curl --config - "$@"', "}"]
    fish = ["function hexcurl --wraps curl", f"    {get} | command curl --config - $argv", "end"]
    return [_function(here, "curl", posix, fish)]


def client(name: str, patterns: tuple[str, ...]) -> Callable[[Surroundings], list[Place]]:
    """Return the places of a Hex client: a function that gives its publishing tasks a token."""

    def places(here: Surroundings) -> list[Place]:
        run = f"{shlex.quote(here.program('hexauth'))} exec -- {name}"
        posix = [
            f"{name}() {{",
            '    case "${1-}" in',
            f'        {" | ".join(patterns)}) {run} "$@" ;;',
            f'        *) command {name} "$@" ;;',
            "    esac",
            "}",
        ]
        fish = [
            f"function {name} --wraps {name}",
            '    switch "$argv[1]"',
            f"        case {' '.join(patterns)}",
            f"            {run} $argv",
            "        case '*'",
            f"            command {name} $argv",
            "    end",
            "end",
        ]
        return [_function(here, name, posix, fish)]

    return places


def shell(here: Surroundings) -> list[Place]:
    """Return a completion script for hexauth's own commands, and what loads it."""
    name = _shell(here)
    data = here.folder("XDG_DATA_HOME")
    config = here.folder("XDG_CONFIG_HOME")
    script = {
        "bash": data / "bash-completion/completions/hexauth",
        "zsh": data / "zsh/site-functions/_hexauth",
        "fish": config / "fish/completions/hexauth.fish",
    }[name]
    places = [_own_file(script, completion(name))]
    source = f". {shlex.quote(str(script))}"
    if name == "bash":
        places.append(_block(_startup(here, name), "shell", [source]))
    if name == "zsh":
        load = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"
        places.append(_block(_startup(here, name), "shell", [load, source]))
    return places


TOOLS: Mapping[str, Tool] = {
    "git": Tool(("git",), "a credential helper for Hex's hosts", git),
    "docker": Tool(("docker", "podman", "skopeo"), "a credential helper for registries", docker),
    "bazel": Tool(("bazel", "bazelisk"), "a credential helper for Hex's hosts", bazel),
    "mix": Tool(
        ("mix",),
        "a shell function: tasks that need a login get a token",
        client("mix", ("hex.publish", "hex.retire", "hex.owner", "hex.organization", "hex.user")),
    ),
    "rebar3": Tool(
        ("rebar3",),
        "a shell function: `rebar3 hex` gets a token",
        client("rebar3", ("hex",)),
    ),
    "gleam": Tool(
        ("gleam",),
        "a shell function: tasks that need a login get a token",
        client("gleam", ("publish", "hex", "docs")),
    ),
    "curl": Tool(("curl",), "a shell function, hexcurl, that sends the token", curl),
    "shell": Tool(SHELLS, "completion of hexauth's own commands", shell),
}
"""Every tool, in the order in which they are listed."""


def is_configured(tool: Tool, here: Surroundings) -> bool:
    """Tell whether hexauth is named in all of a tool's places. Raises `UsageError`, OSError."""
    return all(place.has(read(place.path)) for place in tool.places(here))


def _shell(here: Surroundings) -> str:
    name = here.shell or Path(here.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(
            f"There are no functions for the shell {name or 'that you use'}.",
            hint=f"Name one with --shell: {', '.join(SHELLS)}.",
        )
    return name


def _startup(here: Surroundings, name: str) -> Path:
    """Return the file that an interactive shell reads."""
    if name == "fish":
        return here.folder("XDG_CONFIG_HOME") / "fish/conf.d/hexauth.fish"
    if name == "zsh":
        return Path(here.environ.get("ZDOTDIR") or here.home) / ".zshrc"
    return here.home / ".bashrc"


def _function(here: Surroundings, name: str, posix: list[str], fish: list[str]) -> Place:
    kind = _shell(here)
    return _block(_startup(here, kind), name, fish if kind == "fish" else posix)


def _block(
    path: Path,
    name: str,
    lines: list[str],
    check: Callable[[bytes], None] = lambda content: None,
) -> Place:
    return Place(
        path,
        lambda before: blocks.put(before, name, lines),
        lambda before: blocks.take(before, name),
        lambda content: blocks.has(content, name),
        check,
    )


def _own_file(path: Path, text: str) -> Place:
    """Return the place that is a whole file of ours; an older version of it is ours, too."""
    content = text.encode()

    def is_ours(found: Content) -> bool:
        return found is not None and b"ompletion of hexauth for " in found[:200]

    def put(before: Content) -> Content:
        if before is not None and not is_ours(before):
            raise UsageError(
                f"{path} is there already, and is not hexauth's.", hint="Move it away first."
            )
        return content

    return Place(path, put, lambda before: None if is_ours(before) else before, is_ours)
