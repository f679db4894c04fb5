"""The manual pages and completions, written from the commands themselves."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from hexauth import __version__
from hexauth.cli.main import main
from hexauth.errors import exit_codes
from hexauth.tools.completions import NAMES
from hexauth.world.settings import SETTINGS
from writers.completions import scripts
from writers.generated import differing

FILES = (
    (
        "~/.config/hexauth/config.toml",
        "Settings, under the names given above in lower case and without HEXAUTH_.",
    ),
    (
        "~/.local/state/hexauth/",
        "Mutexes, records of logins under way, the index, and the file vault.",
    ),
)

GIT_PAGE = r"""
.SH NAME
git\-credential\-hexauth \- hexauth as a credential helper of git
.SH SYNOPSIS
.nf
git config \-\-global credential.helper hexauth
.PP
.B git\-credential\-hexauth
[OPTIONS] (get | store | erase | capability)
.fi
.SH DESCRIPTION
.PP
Git runs this program when a server asks for a user name and a password: get, store and erase do
what hexauth\-get(1), hexauth\-store(1) and hexauth\-erase(1) do, with the same OPTIONS, and
capability tells git what hexauth understands.
.PP
What hexauth is logged in to is answered from that login; of every other server, what git asks to
be stored is kept in the same vault.
A request that does not follow git's protocol, and an operation that git may learn one day, are
ignored.
.SH EXIT STATUS
As in hexauth(1); git itself looks at the answer alone.
.SH SEE ALSO
hexauth(1), hexauth\-get(1), git\-credential(1), gitcredentials(7)
"""

BAZEL_PAGE = r"""
.SH NAME
hexauth\-bazel \- hexauth as a credential helper of Bazel
.SH SYNOPSIS
.nf
bazel build \-\-credential_helper=*.hex.pm=/path/to/hexauth\-bazel ...
.PP
.B hexauth\-bazel get
.fi
.SH DESCRIPTION
.PP
Bazel, and whatever else follows the same specification, runs this program for each URI that it
fetches. It reads {"uri":"https://..."} from standard input, and prints the headers to send and
the time until which they may be kept: the token's end, less the setting min_ttl.
.PP
An URI that hexauth has nothing for gets no headers. Nobody is ever asked to log in.
.SH EXIT STATUS
As in hexauth(1), with one line on standard error if it is not 0; 1 for a request that makes no
sense.
.SH SEE ALSO
hexauth(1), hexauth\-get(1)
"""

DOCKER_PAGE = r"""
.SH NAME
docker\-credential\-hexauth \- hexauth as a credential helper of docker
.SH SYNOPSIS
.nf
.B docker\-credential\-hexauth
(get | store | erase | list | version)
.fi
.SH DESCRIPTION
.PP
Docker, podman, skopeo and their like run this program if "credsStore" is "hexauth", or
"credHelpers" names hexauth for a registry, in ~/.docker/config.json. It keeps one user for each
server, in the same vault as everything else, and speaks the JSON of docker\-credential\-helpers.
.PP
For a server that hexauth is logged in to, and nothing else is stored for, get answers with that
login's token. Nobody is ever asked to log in.
.SH EXIT STATUS
0, or 1 with one line on standard output, as docker expects.
.SH SEE ALSO
hexauth(1), hexauth\-get(1)
"""

PROGRAMS = {
    "git-credential-hexauth": GIT_PAGE,
    "docker-credential-hexauth": DOCKER_PAGE,
    "hexauth-bazel": BAZEL_PAGE,
}
"""The pages of programs that are no commands of `hexauth`."""


def pages() -> Mapping[str, str]:
    """Return every generated file: its path from the project's root, and its text."""
    found = {f"man/{path.replace(' ', '-')}.1": _page(path, command) for path, command in _walk()}
    found |= {f"man/{name}.1": _header(name) + text for name, text in PROGRAMS.items()}
    found |= {f"completions/{NAMES[shell]}": text for shell, text in completions().items()}
    return {name: text.rstrip("\n") + "\n" for name, text in found.items()}


def completions() -> Mapping[str, str]:
    """Return the completion script of each shell, as it is written into its file."""
    return scripts({path.removeprefix("hexauth "): each for path, each in _walk() if " " in path})


def outdated(root: Path) -> list[str]:
    """Return the names of the generated files below `root` that are missing, old, or left over."""
    current = pages()
    left_over = [
        str(path.relative_to(root))
        for path in sorted((root / "man").glob("*.1"))
        if str(path.relative_to(root)) not in current
    ]
    return differing(root, current) + left_over


def _walk() -> Iterator[tuple[str, click.Command]]:
    yield "hexauth", main
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None and not command.hidden:
            yield f"hexauth {name}", command
        if isinstance(command, click.Group):
            yield from ((f"hexauth {name} {sub}", each) for sub, each in command.commands.items())


def _context(path: str, command: click.Command) -> click.Context:
    """Return the context in which `command` runs; it takes the names of --help from `main`'s."""
    group = click.Context(main, info_name="hexauth", **main.context_settings)
    return group if command is main else click.Context(command, group, info_name=path)


def _page(path: str, command: click.Command) -> str:
    """Return a manual page in the man(7) language."""
    context = _context(path, command)
    short = command.get_short_help_str(200).rstrip(".")
    lines = [
        _header(path.replace(" ", "-")),
        ".SH NAME",
        f"{_text(path.replace(' ', '-'))} \\- {_text(short[0].lower() + short[1:])}",
        ".SH SYNOPSIS",
        f".B {_text(path)}",
        _text(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(command.help or ""),
        *_options(command, context),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *_commands(path)]
    if command is main:
        lines += [*_environment(), *_files()]
    lines += [".SH EXIT STATUS"]
    for code, meaning in exit_codes().items():
        lines += [".TP", str(code), _text(meaning)]
    return "\n".join([*lines, *_see_also(path)])


def _header(name: str) -> str:
    return f'.TH "{name.upper()}" 1 "" "hexauth {__version__}" "hexauth"'


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield from (".TP", f"\\fB{_text(record[0])}\\fR", _text(record[1]))


def _commands(group: str) -> Iterator[str]:
    for path, command in _walk():
        if path.rpartition(" ")[0] == group:
            yield from (".TP", f"\\fB{_text(path)}\\fR", _text(command.get_short_help_str(200)))


def _environment() -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    yield from (".TP", "\\fBHEXAUTH_HOME\\fR", "One folder below which everything is kept.")
    for setting in SETTINGS:
        default = setting.default if setting.default not in ("", (), False, {}) else "none"
        names = ", ".join(setting.variables) or setting.name
        where = f"config.toml: {setting.name}." if setting.in_file else "Not in config.toml."
        yield from (".TP", f"\\fB{_text(names)}\\fR")
        yield _text(f"{setting.meaning} Default: {default}. {where}")


def _files() -> Iterator[str]:
    yield ".SH FILES"
    for name, meaning in FILES:
        yield from (".TP", _text(name), _text(meaning))


def _see_also(path: str) -> Iterator[str]:
    yield ".SH SEE ALSO"
    others = [other.replace(" ", "-") for other, _ in _walk() if other != path]
    yield ", ".join(f"{_text(other)}(1)" for other in [*others, "gitcredentials(7)"]).replace(
        "gitcredentials(7)(1)", "gitcredentials(7)"
    )


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\b", "").strip()):
        yield from (".PP", _text(" ".join(paragraph.split())))


def _text(text: str) -> str:
    r"""Return `text` for roff: `\` and `-` escaped, and no line that begins with a control."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)
