"""The completions for bash, zsh and fish, written from the commands themselves.

They hold the words instead of asking the program for them: a press of Tab starts no Python, and
no version of Click needs to understand what another one wrote.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import click

from hexauth.cli.main import main

TARGETS = ("hexpm",)

Commands = Mapping[str, click.Command]


def scripts(commands: Commands) -> Mapping[str, str]:
    """Return the completion script of each shell for `commands`, by names."""
    makers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return {shell: "\n".join(make(commands)) + "\n" for shell, make in makers.items()}


def _options(command: click.Command) -> list[click.Option]:
    """Return the options of `command`; those of a group are what its commands take."""
    if isinstance(command, click.Group) and command is not main:
        found = {each.name: each for sub in command.commands.values() for each in _options(sub)}
        return list(found.values())
    group = click.Context(main, **main.context_settings)
    parameters = command.get_params(click.Context(command, group))
    return [each for each in parameters if isinstance(each, click.Option) and not each.hidden]


def _names(option: click.Option) -> Sequence[str]:
    return [*option.opts, *option.secondary_opts]


def _flags(command: click.Command) -> str:
    return " ".join(name for option in _options(command) for name in _names(option))


def _takes_value(option: click.Option) -> bool:
    return not (option.is_flag or option.count)


def _choices(option: click.Option) -> Sequence[str]:
    return option.type.choices if isinstance(option.type, click.Choice) else ()


def _arguments(command: click.Command) -> Sequence[str]:
    if isinstance(command, click.Group):
        return list(command.commands)
    for each in command.params:
        if isinstance(each, click.Argument) and isinstance(each.type, click.Choice):
            return each.type.choices
    takes_target = any(each.name == "target" for each in command.params)
    return TARGETS if takes_target else ()


def _runs_commands(command: click.Command) -> bool:
    return any(isinstance(each, click.Argument) and each.nargs == -1 for each in command.params)


def _about(command: click.Command) -> str:
    return _summary(command.get_short_help_str(200))


def _summary(text: str | None) -> str:
    """Return the first sentence of `text`, without its period."""
    words = " ".join((text or "").replace("`", "").split())
    return re.split(r"[.;] |\.$", words)[0]


def _bash(commands: Commands) -> Iterator[str]:
    yield "# Completion of hexauth for bash; written by scripts/manual."
    yield "_hexauth() {"
    yield "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}"
    yield "    local command= words= i"
    yield "    COMPREPLY=()"
    yield '    if [[ $word == "=" ]]; then'
    yield "        word="
    yield '    elif [[ $before == "=" ]]; then'
    yield "        before=${COMP_WORDS[COMP_CWORD-2]}"
    yield "    fi"
    yield "    for ((i = 1; i < COMP_CWORD; i++)); do"
    yield '        case "$command ${COMP_WORDS[i]}" in'
    for name, command in commands.items():
        if _runs_commands(command):
            yield f'            "{name} --")'
            yield '                COMPREPLY=($(compgen -A command -A file -- "$word"))'
            yield "                return ;;"
    yield '            " "[a-z]*) command=${COMP_WORDS[i]} ;;'
    yield "        esac"
    yield "    done"
    yield '    case "$command $before" in'
    for name, command in commands.items():
        for option in filter(_takes_value, _options(command)):
            pattern = "|".join(f'"{name} {each}"' for each in _names(option))
            yield f'        {pattern}) words="{" ".join(_choices(option))}" ;;'
        yield f'        "{name} "*)'
        yield f'            words="{" ".join(_arguments(command))}"'
        yield f'            [[ $word != -* ]] || words="{_flags(command)}" ;;'
    yield '        " "*)'
    yield f'            words="{" ".join(commands)}"'
    yield f'            [[ $word != -* ]] || words="{_flags(main)}" ;;'
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield "}"
    yield "complete -F _hexauth hexauth"


def _zsh(commands: Commands) -> Iterator[str]:
    yield "#compdef hexauth"
    yield "# Completion of hexauth for zsh; written by scripts/manual."
    yield "_hexauth() {"
    yield "    local context state state_descr line"
    yield "    typeset -A opt_args"
    yield "    local -a subcommands=("
    for name, command in commands.items():
        yield f"        '{name}:{_quoted(_about(command))}'"
    yield "    )"
    yield "    _arguments -C \\"
    for option in _options(main):
        yield from (f"        {spec} \\" for spec in _zsh_option(option))
    yield "        '1:command:->command' '*::argument:->argument' && return"
    yield "    if [[ $state == command ]]; then"
    yield "        _describe command subcommands"
    yield "        return"
    yield "    fi"
    yield "    case $words[1] in"
    for name, command in commands.items():
        yield f"        {name})"
        yield "            _arguments -S \\"
        for option in _options(command):
            yield from (f"                {spec} \\" for spec in _zsh_option(option))
        if _arguments(command) and _runs_commands(command):
            targets = f'"targets:target:({" ".join(_arguments(command))})"'
            either = f'_alternative {targets} "commands:command:_command_names -e"'
            yield f"                '1:target or command: {either}' '*::argument:_normal' \\"
        elif _arguments(command):
            yield f"                '1:target:({' '.join(_arguments(command))})' \\"
        elif _runs_commands(command):
            yield "                '(-)1:command: _command_names -e' '*::argument:_normal' \\"
        yield "                ;;"
    yield "    esac"
    yield "}"
    yield "if [[ $funcstack[1] == _hexauth ]]; then"
    yield '    _hexauth "$@"'
    yield "else"
    yield "    compdef _hexauth hexauth"
    yield "fi"


def _zsh_option(option: click.Option) -> Iterator[str]:
    """Yield an option's names as `_arguments` wants them; they exclude each other."""
    names = _names(option)
    others = "*" if option.multiple else f"({' '.join(names)})" if len(names) > 1 else ""
    summary = re.sub(r"([\[\]:])", r"\\\1", _quoted(_summary(option.help)))
    choices = f"({' '.join(_choices(option))})" if _choices(option) else " "
    value = f":{_metavar(option)}:{choices}" if _takes_value(option) else ""
    for name in names:
        equals = "=" if _takes_value(option) and name.startswith("--") else ""
        yield f"'{others}{name}{equals}[{summary}]{value}'"


def _metavar(option: click.Option) -> str:
    return _quoted((option.metavar or option.name or "").lower().partition("[")[0])


def _fish(commands: Commands) -> Iterator[str]:
    yield "# Completion of hexauth for fish; written by scripts/manual."
    yield "complete -c hexauth -f"
    first = "complete -c hexauth -n __fish_use_subcommand"
    yield from (f"{first} {_fish_option(option)}" for option in _options(main))
    for name, command in commands.items():
        yield f"{first} -a {name} -d '{_escaped(_about(command))}'"
    for name, command in commands.items():
        inside = f"complete -c hexauth -n '__fish_seen_subcommand_from {name}'"
        yield from (f"{inside} {_fish_option(option)}" for option in _options(command))
        if _arguments(command):
            yield f"{inside} -a '{' '.join(_arguments(command))}'"
        if _runs_commands(command):
            yield f"{inside} -a '(__fish_complete_subcommand --fcs-skip=2)'"


def _fish_option(option: click.Option) -> str:
    words = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in _names(option)
    ]
    words += ["-x"] if _takes_value(option) else []
    words += [f"-a '{' '.join(_choices(option))}'"] if _choices(option) else []
    return " ".join([*words, f"-d '{_escaped(_summary(option.help))}'"])


def _quoted(text: str) -> str:
    """Return `text` for the inside of single quotes in bash and zsh."""
    return text.replace("'", "'\\''")


def _escaped(text: str) -> str:
    """Return `text` for the inside of single quotes in fish."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
