"""What is wrong with the words that were typed, in hexauth's words rather than Click's.

Only a run that ends with such an error imports this.
"""

import re

import click

from hexauth.errors import UsageError, did_you_mean


def told(error: click.UsageError) -> UsageError:
    """Return the error that a person is told in place of Click's."""
    context = error.ctx or click.Context(click.Command("hexauth"), info_name="hexauth")
    match error:
        case click.NoSuchOption():
            return _no_option(error.option_name, context)
        case click.BadOptionUsage():
            return _badly_used(error.option_name, error.message)
        case click.MissingParameter():
            return _unlike(f"{_name(error.param)} is missing.", context)
        case click.BadParameter(param=click.Parameter() as parameter):
            return _bad_value(parameter, error.message, context.command_path)
    return _other(error.format_message(), context)


def _other(text: str, context: click.Context) -> UsageError:
    """Return the error that Click has no class of its own for, in all of its versions."""
    command = context.command_path
    unknown = re.match(r"No such command (.+)\.", text)
    if isinstance(context.command, click.Group) and unknown is not None:
        return _no_command(unknown[1].strip("'\""), context.command, context)
    if "extra argument" in text:  # it may be a secret: it is not shown
        return _unlike(f"There are more words than `{command}` takes.", context)
    return UsageError(text, hint=f"Run `{command} --help` to see how it is used.")


def _unlike(what: str, context: click.Context) -> UsageError:
    """Return the error that what was typed is not as the command is written."""
    command = context.command_path
    usage = " ".join([command, *context.command.collect_usage_pieces(context)])
    return UsageError(what, hint=f"Write `{usage}`; `{command} --help` explains it.")


def _no_command(name: str, group: click.Group, context: click.Context) -> UsageError:
    known = group.list_commands(context)
    return UsageError(
        f"There is no command {name!r}.",
        hint=f"{did_you_mean(name, known)}`{context.command_path} --help` lists those there are.",
    )


def _no_option(name: str, context: click.Context) -> UsageError:
    command = context.command_path
    known = [
        word
        for each in context.command.get_params(context)
        if isinstance(each, click.Option)
        for word in (*each.opts, *each.secondary_opts)
        if word.startswith("--")
    ]
    return UsageError(
        f"`{command}` has no option {name}.",
        hint=f"{did_you_mean(name, known)}`{command} --help` lists those there are.",
    )


def _bad_value(parameter: click.Parameter, why: str, command: str) -> UsageError:
    """Return the error that `parameter` cannot have the value that Click's words begin with."""
    kind, name = parameter.type, _name(parameter)
    found = re.match(r"(?P<quote>['\"]?)(?P<value>.*)(?P=quote) is not ", why)
    if found is None:
        return UsageError(
            f"{name} cannot be used: {why}", hint=f"`{command} --help` explains what it takes."
        )
    value = found["value"]
    if isinstance(kind, click.Choice):
        known = [str(each) for each in kind.choices]
        return UsageError(
            f"{name} cannot be {value!r}.",
            hint=f"{did_you_mean(value, known)}It is one of {', '.join(known)}.",
        )
    return UsageError(f"{name} cannot be {value!r}.", hint=f"Give {_wanted(kind)}.")


def _wanted(kind: object) -> str:
    """Return what a value of that kind is, in words."""
    name = "a whole number" if isinstance(kind, click.types.IntParamType) else "a number"
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if low is not None and high is not None:
        return f"{name} from {low:g} to {high:g}"
    if low is not None:
        more = "more than" if getattr(kind, "min_open", False) else "at least"
        return f"{name}, {more} {low:g}"
    return name


def _badly_used(option: str, why: str) -> UsageError:
    """Return the error that `option` was given no value, or one that it does not take."""
    if "not take" in why:
        return UsageError(f"{option} takes no value.", hint="Leave away what stands behind its =.")
    return UsageError(
        f"{option} wants a value.", hint=f"Write it behind the option: {option} VALUE."
    )


def _name(parameter: click.Parameter | None) -> str:
    """Return what a person calls `parameter`: its longest option, or its name in capitals."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return "An argument" if parameter is None else parameter.human_readable_name.strip("[].")
