"""The tools that hexauth can be put into, as data: for each, the places where it is named."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hexauth.errors import UsageError
from hexauth.machine.programs import find_program, without_secrets
from hexauth.machine.rewriting import read
from hexauth.tools import clients, docker_config
from hexauth.tools.completions import completion
from hexauth.tools.edits import Content, Place
from hexauth.tools.places import (
    SHELLS,
    Surroundings,
    block,
    function,
    own_file,
    shell_of,
    startup,
)


@dataclass(frozen=True)
class Tool:
    """A tool: its programs, what is done for it, and where."""

    programs: tuple[str, ...]
    about: str
    places: clients.Places
    shim: clients.Places | None = None
    """Where a program is put that has the tool's name, if there is one."""


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
    return [block(path, "git", lines, partial(_check_git, here))]


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
        env=without_secrets(here.environ),
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
    return [block(here.home / ".bazelrc", "bazel", lines)]


def curl(here: Surroundings) -> list[Place]:
    """Return a function `hexcurl`: curl has no helpers, but reads options from standard input."""
    get = f"{shlex.quote(here.program('hexauth'))} get hexpm --format curl"
    posix = ["hexcurl() {", f'    {get} | command curl --config - "$@"', "}"]
    fish = ["function hexcurl --wraps curl", f"    {get} | command curl --config - $argv", "end"]
    return [function(here, "curl", posix, fish)]


def shell(here: Surroundings) -> list[Place]:
    """Return a completion script for hexauth's own commands, and what loads it."""
    name = shell_of(here)
    data = here.folder("XDG_DATA_HOME")
    config = here.folder("XDG_CONFIG_HOME")
    script = {
        "bash": data / "bash-completion/completions/hexauth",
        "zsh": data / "zsh/site-functions/_hexauth",
        "fish": config / "fish/completions/hexauth.fish",
    }[name]
    places = [own_file(script, completion(name), "ompletion of hexauth for ")]
    source = f". {shlex.quote(str(script))}"
    if name == "bash":
        places.append(block(startup(here, name), "shell", [source]))
    if name == "zsh":
        load = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"
        places.append(block(startup(here, name), "shell", [load, source]))
    return places


GLEAM_TASKS = ("publish", "hex", "docs")
"""Those that publish; where they do so is fixed in gleam, which no proxy can change."""

TOOLS: Mapping[str, Tool] = {
    "git": Tool(("git",), "a credential helper for Hex's hosts", git),
    "docker": Tool(("docker", "podman", "skopeo"), "a credential helper for registries", docker),
    "bazel": Tool(("bazel", "bazelisk"), "a credential helper for Hex's hosts", bazel),
    "mix": Tool(
        ("mix",),
        "a shell function: every task goes through `hexauth exec`",
        clients.proxied("mix"),
        clients.proxied_shim("mix"),
    ),
    "rebar3": Tool(
        ("rebar3",),
        "a shell function: every task goes through `hexauth exec`",
        clients.proxied("rebar3", ("hex",)),
        clients.proxied_shim("rebar3", ("hex",)),
    ),
    "gleam": Tool(
        ("gleam",),
        "a shell function: tasks that need a login get a token",
        clients.direct("gleam", GLEAM_TASKS),
        clients.direct_shim("gleam", GLEAM_TASKS),
    ),
    "curl": Tool(("curl",), "a shell function, hexcurl, that sends the token", curl),
    "shell": Tool(SHELLS, "completion of hexauth's own commands", shell),
}
"""Every tool, in the order in which they are listed."""


def every_place(here: Surroundings) -> Iterator[Place]:
    """Yield each place in which hexauth may be named, for whichever shell."""
    for shell in SHELLS:
        there = replace(here, shell=shell)
        for tool in TOOLS.values():
            for way in (tool.places, tool.shim):
                yield from way(there) if way else ()


def is_configured(tool: Tool, here: Surroundings) -> bool:
    """Tell whether hexauth is named in all places of a tool, or has a program of that name.

    Raises `UsageError`, OSError.
    """
    ways = (tool.shim, tool.places) if tool.shim else (tool.places,)
    return any(all(place.has(read(place.path)) for place in way(here)) for way in ways)
