"""Who needs a login, in words: the command that a person has typed, and which led here."""

import re
from collections.abc import Sequence
from itertools import pairwise

TOOLS = (
    "mix",
    "iex",
    "rebar3",
    "gleam",
    "git",
    "docker",
    "podman",
    "skopeo",
    "bazel",
    "bazelisk",
    "curl",
    "make",
    "just",
    "npm",
)
"""Programs of which one thing more is told: what they were asked to do."""

EDITORS = ("code", "emacs", "nvim", "vim", "zed", "idea")
"""Programs that people type into: what they started matters more, if it is known."""

INTERPRETERS = re.compile(r"python[0-9.]*|node|ruby|perl|deno|bun|pypy[0-9.]*", re.ASCII)
"""Programs of which the name of a script is told."""

SHELLS = ("sh", "dash", "bash", "zsh", "fish", "ksh", "busybox")

SILENT = (
    "erl_child_setup",
    "sudo",
    "su",
    "env",
    "nice",
    "timeout",
    "xargs",
    "setsid",
    "script",
    "tmux",
    "screen",
    "sshd",
    "login",
    "systemd",
    "init",
    "hexauth",
)
"""Programs that only run others, and are not what needs a login."""

TASK = re.compile(r"[a-z][a-z0-9._:-]{0,40}", re.ASCII)
"""What a first word looks like that says what to do: `deps.get`, `fetch`; no option, no value."""


def caller(lineage: Sequence[Sequence[str]]) -> str:
    """Return the command that needs a login, such as `mix deps.get`; empty if nobody can say.

    `lineage` has the commands of this process's parents, the nearest first. Of each no more is told
    than its name and, of well-known ones, the first plain word: the rest may hold secrets. The
    outermost well-known program below the person's shell is the one that was typed; if there is
    none, it is the nearest program that is no shell, or its script.
    """
    tool, editor, nearest = "", "", None
    for command in map(_unwrapped, lineage):
        name = _name(command[0]) if command else ""
        if name in TOOLS:
            tool = _told(name, command[1:])
        elif name in EDITORS:
            editor = name
        elif name in SHELLS and _is_typed_into(command):
            break
        elif name not in SILENT and nearest is None:
            nearest = _script(command) if _runs_scripts(name) else name
            nearest = None if name in SHELLS and not nearest else nearest
    return tool or editor or nearest or ""


def _runs_scripts(name: str) -> bool:
    return name in SHELLS or INTERPRETERS.fullmatch(name) is not None


def _is_typed_into(shell: Sequence[str]) -> bool:
    """Tell whether a shell was given nothing to run: no script, no `-c`."""
    options = ("--init-file", "--rcfile")
    words = [word for before, word in pairwise(shell) if before not in options]
    return all(word.startswith("-") and not re.fullmatch("-[a-z]*c", word) for word in words)


def _script(command: Sequence[str]) -> str:
    """Return the name of the script that is run; an option before it may be the program itself."""
    first = command[1] if len(command) > 1 else "-"
    return "" if first.startswith("-") else _name(first)


def _told(name: str, words: Sequence[str]) -> str:
    task = next((word for word in words if TASK.fullmatch(word)), "")
    return f"{name} {task}".rstrip()


def _unwrapped(command: Sequence[str]) -> Sequence[str]:
    """Return what a virtual machine of Erlang runs, which stands behind `-extra` (erl(1))."""
    if "-extra" in command:
        return command[list(command).index("-extra") + 1 :]
    return command


def _name(program: str) -> str:
    """Return the plain name of a program: git's own live in a folder, and begin with git-."""
    name = program.rpartition("/")[2].lstrip("-")
    return "git" if name.startswith("git-") else name
