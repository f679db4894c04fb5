"""The completions for bash, zsh and fish, written from the commands themselves.

They hold the words that are the same everywhere: most presses of Tab start no Python, and no
version of Click needs to understand what another one wrote. What differs from machine to machine
is asked of `hexauth complete`, as it is found in PATH: a program of that name beside what is being
typed may be anybody's.
"""

import re
from collections.abc import Iterator, Mapping

import click

from hexauth.cli.main import main
from writers import places
from writers.places import Commands, Place

ASK = "command hexauth complete"


def scripts(commands: Commands) -> Mapping[str, str]:
    """Return the completion script of each shell for `commands`, by names."""
    makers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return {shell: "\n".join(make(commands)) + "\n" for shell, make in makers.items()}


BASH = r"""
_hexauth() {
    local line=${COMP_LINE:0:COMP_POINT} command= option= place=0 word= before= breaks= each
    local words= known= files= after=
    local -a typed=()
    COMPREPLY=()
    # COMP_WORDS has been split at colons, as the words that bash itself knows hold none.
    read -r -d '' -a typed <<< "$line"
    if [[ $line != *[[:space:]] ]]; then
        word=${typed[${#typed[@]}-1]}
        unset "typed[${#typed[@]}-1]"
    fi
    for each in "${typed[@]:1}"; do
        if [[ -n $option ]]; then
            option=
        elif [[ $each == -- ]]; then
            place=program
            break
        elif [[ $each == -* ]]; then
            if [[ $each != *=* ]] && _hexauth_at "$command $each"; then option=$each; fi
        elif [[ $place == 0 ]] && _hexauth_at "${command:+$command }$each options"; then
            command=${command:+$command }$each
        else
            place=$((place + 1))
        fi
    done
    if [[ $word == [\"\']* ]]; then
        word=${word:1}
    else
        for each in : = @; do
            if [[ $COMP_WORDBREAKS == *"$each"* ]]; then breaks+=$each; fi
        done
    fi
    words= known= files= after=
    if [[ -n $option ]]; then
        _hexauth_at "$command $option"
    elif [[ $place == program ]]; then
        _hexauth_at "$command program"
    elif [[ $word == --*=* ]]; then
        before=${word%%=*}=
        _hexauth_at "$command ${word%%=*}"
    elif [[ $word == -* ]]; then
        _hexauth_at "$command options"
    else
        _hexauth_at "$command $place"
    fi || return 0
    each=${word#"$before"}
    if [[ -n $after ]]; then
        [[ $each == *=* ]] || return 0
        before+=${each%%=*}=
    fi
    if [[ -n $files ]]; then
        if [[ $files != command ]]; then compopt -o filenames 2> /dev/null; fi
        while IFS= read -r each; do
            COMPREPLY+=("$before$each")
        done < <(compgen -A "$files" -- "${word#"$before"}")
    fi
    while IFS= read -r each; do
        if [[ -n $each && $before$each == "$word"* ]]; then COMPREPLY+=("$before$each"); fi
    done < <(printf '%s\n' $words; [[ -z $known ]] || ASK "$known" 2> /dev/null)
    # Readline replaces what is behind the last of these alone.
    if [[ -n $breaks && $word == *["$breaks"]* ]]; then
        each=${word%"${word##*["$breaks"]}"}
        COMPREPLY=("${COMPREPLY[@]#"$each"}")
    fi
}
complete -F _hexauth hexauth
"""


def _bash(commands: Commands) -> Iterator[str]:
    yield "# Completion of hexauth for bash; written by scripts/manual."
    yield "_hexauth_at() {"
    yield "    case $1 in"
    for path, option, place in places.with_values(commands):
        patterns = "|".join(f'"{path} {name}"' for name in places.names(option))
        yield f"        {patterns}) {_bash_place(place)};;"
    for path, command in {"": main, **commands}.items():
        yield f'        "{path} options") words="{places.flags(command)}" ;;'
        for number, place in enumerate(places.arguments(path, command, commands)):
            yield f'        "{path} {number}") {_bash_place(place)};;'
        if places.runs_commands(command):
            yield f'        "{path} program") files=command ;;'
    yield "        *) return 1 ;;"
    yield "    esac"
    yield "}"
    yield BASH.replace("ASK", ASK).strip()


def _bash_place(place: Place) -> str:
    kind = {"file": "file", "folder": "directory", "": ""}[place.files]
    facts = {"words": " ".join(place.words), "known": place.known, "files": kind}
    facts["after"] = "yes" if place.after else ""
    return "".join(
        f'{name}="{value}" ' if " " in value else f"{name}={value} "
        for name, value in facts.items()
        if value
    )


ZSH = r"""
_hexauth_known() {
    local -a found
    found=(${(f)"$(ASK $@[-1] 2> /dev/null)"})
    compadd "${@[1,-2]}" -a found
}
_hexauth_after() {
    compset -P '*=' && compadd -- "$@"
}
"""


def _zsh(commands: Commands) -> Iterator[str]:
    yield "#compdef hexauth"
    yield "# Completion of hexauth for zsh; written by scripts/manual."
    yield ZSH.replace("ASK", ASK).strip()
    for path, command in {"": main, **commands}.items():
        yield f"{_zsh_function(path)}() {{"
        yield from _zsh_body(path, command, commands)
        yield "}"
    yield "if [[ $funcstack[1] == _hexauth ]]; then"
    yield '    _hexauth "$@"'
    yield "else"
    yield "    compdef _hexauth hexauth"
    yield "fi"


def _zsh_function(path: str) -> str:
    return "_".join(["_hexauth", *path.split()])


def _zsh_body(path: str, command: click.Command, commands: Commands) -> Iterator[str]:
    """Yield the lines of the function that completes what stands behind the command at `path`."""
    below = places.subcommands(path, commands)
    if below:
        yield "    local context state state_descr line"
        yield "    typeset -A opt_args"
        yield "    local -a subcommands=("
        for name in below:
            about = _quoted(places.about(commands[f"{path} {name}".strip()]))
            yield f"        '{name}:{about}'"
        yield "    )"
    yield f"    _arguments {'-C' if below else '-S'} \\"
    for option in places.options(command):
        for spec in _zsh_option(option, places.place(path, option)):
            yield f"        {spec} \\"
    if not below:
        yield from (f"        {spec} \\" for spec in _zsh_arguments(path, command, commands))
        yield "        && return"
        return
    yield "        '1:command:->command' '*::argument:->argument' && return"
    yield "    if [[ $state == command ]]; then"
    yield "        _describe command subcommands"
    yield "        return"
    yield "    fi"
    yield "    case $words[1] in"
    for name in below:
        yield f"        {name}) {_zsh_function(f'{path} {name}')} ;;"
    yield "    esac"


def _zsh_arguments(path: str, command: click.Command, commands: Commands) -> Iterator[str]:
    known = places.arguments(path, command, commands)
    if places.runs_commands(command) and known:
        target = f"'targets:target:{_zsh_place(known[0])}'".replace("'", '"')
        either = f'_alternative {target} "commands:command:_command_names -e"'
        yield f"'1:target or command: {either}' '*::argument:_normal'"
    elif places.runs_commands(command):
        yield "'(-)1:command: _command_names -e' '*::argument:_normal'"
    else:
        for number, place in enumerate(known, start=1):
            yield f"'{number}:{place.known or 'word'}:{_zsh_place(place)}'"


def _zsh_place(place: Place) -> str:
    if place.files:
        return "_files -/" if place.files == "folder" else "_files"
    if place.known:
        return f"_hexauth_known {place.known}"
    words = " ".join(place.words)
    return f" _hexauth_after {words}" if place.after else f"({words})" if words else " "


def _zsh_option(option: click.Option, place: Place) -> Iterator[str]:
    """Yield an option's names as `_arguments` wants them; they exclude each other."""
    names, takes_value = places.names(option), places.takes_value(option)
    others = "*" if option.multiple else f"({' '.join(names)})" if len(names) > 1 else ""
    summary = re.sub(r"([\[\]:])", r"\\\1", _quoted(places.summary(option.help)))
    value = f":{_metavar(option)}:{_zsh_place(place)}" if takes_value else ""
    for name in names:
        equals = "=" if takes_value and name.startswith("--") else ""
        yield f"'{others}{name}{equals}[{summary}]{value}'"


def _metavar(option: click.Option) -> str:
    text = (option.metavar or option.name or "").lower().strip("[]")
    return _quoted(text.partition("[")[0].replace(":", "\\:"))


FISH = r"""
function __hexauth_at -a wanted place
    set -l command
    set -l at 0
    set -l option
    for each in (commandline -opc)[2..-1]
        if test -n "$option"
            set option
            continue
        end
        if test "$each" = --
            set at program
            break
        else if string match -q -- '-*' "$each"
            contains -- "$command $each" $__hexauth_options; and set option "$each"
            continue
        end
        set -l deeper (string trim -- "$command $each")
        if test $at = 0; and contains -- "$deeper" $__hexauth_commands
            set command "$deeper"
        else
            set at (math $at + 1)
        end
    end
    test "$command" = "$wanted"; or return
    if test -z "$place"
        test $at != program
    else
        test -z "$option"; and test "$at" = "$place"
    end
end
"""


def _fish(commands: Commands) -> Iterator[str]:
    yield "# Completion of hexauth for fish; written by scripts/manual."
    yield f"set -g __hexauth_commands {' '.join(map(_fish_word, commands))}"
    valued = [
        f"{path} {name}"
        for path, option, _ in places.with_values(commands)
        for name in places.names(option)
    ]
    yield f"set -g __hexauth_options {' '.join(map(_fish_word, valued))}"
    yield FISH.strip()
    yield "complete -c hexauth -f"
    for path, command in {"": main, **commands}.items():
        here = f'complete -c hexauth -n \'__hexauth_at "{path}"'
        for option in places.options(command):
            yield f"{here}' {_fish_option(option, places.place(path, option))}"
        for name in places.subcommands(path, commands):
            about = _escaped(places.about(commands[f"{path} {name}".strip()]))
            yield f"{here} 0' -a {name} -d '{about}'"
        if not places.subcommands(path, commands):
            for number, place in enumerate(places.arguments(path, command, commands)):
                if words := _fish_place(place):
                    yield f"{here} {number}' {words}"
        if places.runs_commands(command):
            yield f"{here} program' -a '(__fish_complete_subcommand --fcs-skip=2)'"


def _fish_word(text: str) -> str:
    return f"'{text}'" if " " in text else text


def _fish_place(place: Place) -> str:
    if place.files:
        return "-F" if place.files == "file" else "-a '(__fish_complete_directories)'"
    if place.known:
        return f"-a '({ASK} {place.known} 2> /dev/null)'"
    words = " ".join(place.words)
    if place.after:
        each = 'string replace -rf "=.*" "="$word -- (commandline -ct)'
        return f"-a '(for word in {words}; {each}; end)'"
    return f"-a '{words}'" if words else ""


def _fish_option(option: click.Option, place: Place) -> str:
    words = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
        for name in places.names(option)
    ]
    if places.takes_value(option):
        words += ["-r" if place.files == "file" else "-x", _fish_place(place)]
    summary = _escaped(places.summary(option.help))
    return " ".join([*filter(None, words), f"-d '{summary}'"])


def _quoted(text: str) -> str:
    """Return `text` for the inside of single quotes in bash and zsh."""
    return text.replace("'", "'\\''")


def _escaped(text: str) -> str:
    """Return `text` for the inside of single quotes in fish."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
