"""The manual pages and completions, written from the commands themselves."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from hexauth import __date__, __version__
from hexauth.cli.main import main
from hexauth.errors import exit_codes
from hexauth.tools.completions import NAMES
from hexauth.world.settings import SETTINGS
from writers import config_page, diagnostics, roff
from writers.completions import scripts
from writers.generated import differing
from writers.programs import PROGRAMS, RELATED, SURROUNDINGS
from writers.usage import EVERY, FILES, OTHER_VARIABLES, USAGES, Usage

TWO_LINES = (
    "An error is two lines on standard error, each behind the word hexauth: what happened, and "
    "what to do. hexauth-diagnostics(7) lists them all, and says more of each."
)


def pages() -> Mapping[str, str]:
    """Return every generated file: its path from the project's root, and its text."""
    found = {f"man/man1/{_name(path)}.1": _page(path, command) for path, command in walk()}
    found |= {f"man/man1/{name}.1": _program(name) for name in PROGRAMS}
    found["man/man5/hexauth-config.5"] = _config()
    found["man/man7/hexauth-diagnostics.7"] = _diagnostics()
    found |= {f"completions/{NAMES[shell]}": text for shell, text in completions().items()}
    return {name: text.rstrip("\n") + "\n" for name, text in found.items()}


def completions() -> Mapping[str, str]:
    """Return the completion script of each shell, as it is written into its file."""
    return scripts({path.split()[1]: each for path, each in walk() if len(path.split()) == 2})


def outdated(root: Path) -> list[str]:
    """Return the names of the generated files below `root` that are missing, old, or left over."""
    current = pages()
    left_over = [
        str(path.relative_to(root))
        for path in sorted((root / "man").rglob("*.[0-9]"))
        if str(path.relative_to(root)) not in current
    ]
    return differing(root, current) + left_over


def walk() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that is listed, as it is typed; groups come before what is in them."""
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


def _name(path: str) -> str:
    return path.replace(" ", "-")


def _page(path: str, command: click.Command) -> str:
    """Return a manual page in the man(7) language."""
    context = _context(path, command)
    short = command.get_short_help_str(200).rstrip(".")
    usage = USAGES.get(path, Usage())
    lines = [
        _header(_name(path)),
        ".SH NAME",
        f"{roff.text(_name(path))} \\- {roff.text(short[0].lower() + short[1:])}",
        ".SH SYNOPSIS",
        f".B {roff.text(path)}",
        roff.text(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *roff.paragraphs(command.help or ""),
        *_options(command, context),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *_commands(path)]
    lines += [*_examples(usage), *_exit_status(usage)]
    lines += _every_variable() if command is main else _environment((*usage.variables, *EVERY))
    lines += _files(tuple(FILES) if command is main else usage.files)
    lines += [".SH DIAGNOSTICS", *roff.paragraphs(TWO_LINES)]
    return roff.joined([*lines, *_see_also(path)])


def _header(name: str, section: int = 1) -> str:
    return roff.header(name, section, __date__, f"hexauth {__version__}")


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield from roff.tagged(*record)


def _commands(group: str) -> Iterator[str]:
    for path, command in walk():
        if path.rpartition(" ")[0] == group:
            yield from roff.tagged(path, command.get_short_help_str(200))


def _examples(usage: Usage) -> Iterator[str]:
    if usage.examples:
        yield ".SH EXAMPLES"
    for meaning, lines in usage.examples:
        yield from roff.example(meaning, lines.split("\n"))


def _exit_status(usage: Usage) -> Iterator[str]:
    yield ".SH EXIT STATUS"
    meanings = {**exit_codes(), 126: "COMMAND cannot be executed.", 127: "There is no COMMAND."}
    for code in (*usage.codes, 130):
        yield from roff.tagged(str(code), meanings[code])
    if usage.more:
        yield from roff.paragraphs(usage.more)


def _environment(names: tuple[str, ...]) -> Iterator[str]:
    meanings = {name: setting.meaning for setting in SETTINGS for name in setting.variables}
    yield ".SH ENVIRONMENT"
    for name in names:
        yield from roff.tagged(name, (OTHER_VARIABLES | meanings)[name])
    yield from roff.paragraphs("hexauth-config(5) has all of them.")


def _every_variable() -> Iterator[str]:
    """Yield all variables; what their values are is said of the settings."""
    yield ".SH ENVIRONMENT"
    yield from roff.tagged("HEXAUTH_HOME", OTHER_VARIABLES["HEXAUTH_HOME"])
    for setting in SETTINGS:
        if setting.variables:
            said = f"{setting.meaning} Default: {config_page.default(setting)}."
            yield from roff.tagged(", ".join(setting.variables), said)
    yield from roff.paragraphs("hexauth-config(5) says more of each.")


def _files(keys: tuple[str, ...]) -> Iterator[str]:
    if keys:
        yield ".SH FILES"
    for key in keys:
        yield from roff.tagged(*FILES[key])
    if keys:
        yield from roff.paragraphs("With HEXAUTH_HOME, what is kept is below that folder.")


def _program(name: str) -> str:
    """Return the page of a program that is no command."""
    lines = [_header(name), *PROGRAMS[name].strip("\n").split("\n")]
    lines += _environment((*SURROUNDINGS[name], *EVERY))
    lines += [".SH DIAGNOSTICS", *roff.paragraphs("They are listed in hexauth-diagnostics(7).")]
    return roff.joined([*lines, *_seen(RELATED[name])])


def _config() -> str:
    lines = [_header("hexauth-config", 5), *config_page.body()]
    others = ("hexauth(1)", "hexauth-config(1)", "hexauth-diagnostics(7)")
    return roff.joined([*lines, *_seen(others)])


def _diagnostics() -> str:
    """Return the page of every error."""
    lines = [
        _header("hexauth-diagnostics", 7),
        ".SH NAME",
        "hexauth\\-diagnostics \\- what hexauth says when something is wrong, and what to do",
        ".SH DESCRIPTION",
        *roff.paragraphs(
            "An error is two lines on standard error, each behind the word hexauth: what happened, "
            "and what to do. The exit code tells what kind of error it is. What differs from case "
            "to case stands in capitals here; what is in brackets is said where there is something "
            "to say. hexauth-bazel says both in one line, and docker-credential-hexauth says them "
            "on standard output, as docker expects; git is told nothing of a request that does not "
            "follow its protocol.\n\nNo message holds a secret, and what others have written is "
            "shown escaped. `HEXAUTH_VERBOSE=1` shows what was done before."
        ),
        ".SH DIAGNOSTICS",
    ]
    meanings = exit_codes()
    code = -1
    for each in diagnostics.ALL:
        if each.exit_code != code:
            code = each.exit_code
            about = meanings.get(code, "As a shell says it of a program that cannot be started.")
            lines += [f".SS Exit code {code}", *roff.paragraphs(about)]
        lines += [*roff.tagged(each.message, each.explanation)]
        lines += [".br", roff.literal(f"It says: {each.hint}")] if each.hint else []
    others = ("hexauth(1)", "hexauth-doctor(1)", "hexauth-config(5)")
    return roff.joined([*lines, *_seen(others)])


def _see_also(path: str) -> Iterator[str]:
    """Yield what belongs to a command: those above, beside and below it, and what all share."""
    above = path.rpartition(" ")[0]
    near = [
        other
        for other, _ in walk()
        if other != path and (above in ("", other) or other.rpartition(" ")[0] in (path, above))
    ]
    if above == "hexauth":  # all commands stand in hexauth(1)
        near = ["hexauth", *(other for other in near if other.startswith(f"{path} "))]
    shared = ("hexauth-config(5)", "hexauth-diagnostics(7)", "gitcredentials(7)")
    yield from _seen((*(f"{_name(other)}(1)" for other in near), *shared))


def _seen(others: tuple[str, ...]) -> Iterator[str]:
    yield from (".SH SEE ALSO", ".PP")
    yield ",\n".join(roff.escaped(other) for other in others)
