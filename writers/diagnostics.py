"""Every error that hexauth can end with, collected from its code: `ALL`.

Each is a `Diagnostic`: the `message` and the `hint` as they are printed, one line each behind
`hexauth: `, with placeholders in capitals (FILE, SERVER) for what differs; the `exit_code`; and an
`explanation`, which is written by hand in `explanations.toml`, under the message. What stands in
brackets is said where it helps. The manual and the documentation are made from this list, and
`tests/test_diagnostics.py` provokes what is in it.

`disagreements` tells of explanations that are missing, or are of a message that is gone.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hexauth import errors
from hexauth.sandbox import run
from hexauth.vault import sealed, turns
from writers.placeholders import LIKELY, NAMES, WORDS

PACKAGE = Path(errors.__file__).parent

Kind = type[errors.HexauthError]

KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for home in (errors, run, sealed, turns)
    for kind in vars(home).values()
    if isinstance(kind, type) and issubclass(kind, errors.HexauthError)
}
"""The classes of errors by their names; the sandbox's `NotFound` counts in its module alone."""

PASSED_ON = {
    ("cli/usage.py", "_other"): "what Click may say one day, in its own words",
    ("protocols/erlang.py", ""): "a part of what `hexauth import` says of a file",
    ("sandbox/app.py", ""): "answers of the sandbox's server, which are not printed",
    ("sandbox/bodies.py", ""): "the same",
    ("sandbox/hexpm.py", ""): "the same",
    ("sandbox/oauth.py", ""): "the same",
}
"""Where messages are made that are not listed, by module and function, and why."""


UNTOLD = {
    "REPOSITORY does not take this key.": "told with the server's own word for it",
}
"""What ends in another message, and how."""


@dataclass(frozen=True)
class Diagnostic:
    """One error that a person may be told."""

    message: str
    """What happened."""
    hint: str
    """What to do; alternatives are joined by ` Or: `. Empty where a tool reads the message."""
    exit_code: int
    explanation: str
    """What it means and what to do, in more words."""
    places: tuple[str, ...]
    """The modules that it comes from, as paths below `hexauth/`."""
    patterns: tuple[tuple[str, str], ...]
    """Regular expressions that its message and its hint match together, one pair a place."""

    def fits(self, message: str, hint: str) -> bool:
        """Tell whether these two lines are this error."""
        return any(
            re.fullmatch(first, message) and re.fullmatch(second, hint)
            for first, second in self.patterns
        )


class _Module:
    """One module of the package: its errors are the calls of an error's class."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(PACKAGE).as_posix()
        self.tree = ast.parse(path.read_text("utf-8"))
        self.functions = {
            each.name: each for each in ast.walk(self.tree) if isinstance(each, ast.FunctionDef)
        }
        self.texts = dict(_assigned(self.tree.body))

    def errors(self) -> Iterator[tuple[ast.Call, ast.FunctionDef | None, Kind]]:
        """Yield each call of an error's class, the innermost function around it, and the class."""
        around: dict[ast.AST, ast.FunctionDef] = {}
        for function in self.functions.values():  # outer ones come first
            around.update(dict.fromkeys(ast.walk(function), function))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                inside = around.get(node)
                kind = _kind(node, inside)
                if kind is not None:
                    yield node, inside, kind


class _Reader:
    """Reads the messages and hints out of the code."""

    @cached_property
    def modules(self) -> list[_Module]:
        return [_Module(path) for path in sorted(PACKAGE.rglob("*.py"))]

    def found(self) -> Iterator[Diagnostic]:
        """Yield what each place in the code says; one message may come from several."""
        for module in self.modules:
            if (module.path, "") in PASSED_ON:
                continue
            for call, function, kind in module.errors():
                where = function.name if function is not None else ""
                if (module.path, where) in PASSED_ON:
                    continue
                is_ours = module.path == "sandbox/run.py" or kind.__module__ != run.__name__
                usual = kind if is_ours else vars(errors).get(kind.__name__, kind)
                yield from self._read(module, function, call, usual)

    def _read(
        self,
        module: _Module,
        function: ast.FunctionDef | None,
        call: ast.Call,
        kind: Kind,
    ) -> Iterator[Diagnostic]:
        is_refused = kind is errors.Refused and len(call.args) > 1
        message = call.args[1 if is_refused else 0]
        hint = next((each.value for each in call.keywords if each.arg == "hint"), None)
        for text in self._messages(module, function, message):
            advice = kind.hint if hint is None else self._text(module, function, hint)
            if isinstance(hint, ast.IfExp) and ast.unparse(hint.body) == "None":
                advice = f"{kind.hint}{EITHER}{advice}"
            pattern = _pattern(text), "|".join(map(_pattern, advice.split(EITHER)))
            told = _said(text), " Or: ".join(map(_said, advice.split(EITHER))).strip()
            if told[0] in UNTOLD:
                continue
            yield Diagnostic(*told, kind.exit_code, "", (module.path,), (pattern,))

    def _messages(
        self, module: _Module, function: ast.FunctionDef | None, message: ast.expr
    ) -> Iterator[str]:
        """Yield what a message can be: one that was handed in is looked for where that is done."""
        if isinstance(message, ast.Call):
            return  # `str(error)`: another error's words
        if isinstance(message, ast.Name) and function is not None:
            names = [each.arg for each in function.args.args]
            if message.id in names:
                place = names.index(message.id)
                for node in ast.walk(module.tree):
                    is_call = isinstance(node, ast.Call) and _last(node.func) == function.name
                    if is_call and isinstance(node, ast.Call) and len(node.args) > place:
                        yield self._text(module, None, node.args[place])
                return
        yield self._text(module, function, message)

    def _text(  # noqa: PLR0911  (one for each shape of an expression)
        self, module: _Module, function: ast.FunctionDef | None, node: ast.expr
    ) -> str:
        """Return the text that `node` makes, with placeholders."""
        match node:
            case ast.Constant(value=text):
                return str(text or "")
            case ast.JoinedStr(values=values):
                return "".join(self._text(module, function, each) for each in values)
            case ast.FormattedValue(value=value):
                return self._value(module, function, value)
            case ast.BoolOp(values=values):
                return self._either(module, function, values)
            case ast.IfExp(body=body, orelse=other):
                return self._either(module, function, [body, other])
            case ast.Name(id=name):
                known = dict(module.texts)
                if function is not None:
                    known |= _assigned(ast.walk(function))
                if found := known.get(name):
                    return self._either(module, function, found)
            case ast.Call(func=ast.Name(id=name)) if returned := self._returned(name):
                return self._text(module, None, returned)
            case ast.Call(func=ast.Attribute(attr="get"), args=[_, usual]):
                return self._text(module, function, usual)
        return self._value(module, function, node)

    def _either(
        self, module: _Module, function: ast.FunctionDef | None, nodes: list[ast.expr]
    ) -> str:
        texts = (self._text(module, function, each) for each in nodes)
        return EITHER.join(dict.fromkeys(filter(None, texts)))

    def _value(self, module: _Module, function: ast.FunctionDef | None, node: ast.expr) -> str:
        """Return what stands for a value that differs."""
        if isinstance(node, ast.Name) and node.id in module.texts:
            return self._text(module, function, node)
        if isinstance(node, ast.Call) and _last(node.func) == "did_you_mean":
            return f"{BEGIN}{LIKELY}{END}"
        said = ast.unparse(node)
        if said in WORDS:
            return WORDS[said]
        keys = (f"{module.path}:{said}", said, _last(node))
        name = next((NAMES[key] for key in keys if key in NAMES), f"<{said}>")
        return f"{BEGIN}{name}{END}"

    def _returned(self, name: str) -> ast.expr | None:
        """Return what a function returns that does nothing else."""
        for module in self.modules:
            function = module.functions.get(name)
            if function is not None and isinstance(function.body[-1], ast.Return):
                return function.body[-1].value
        return None


def _kind(call: ast.Call, function: ast.FunctionDef | None) -> Kind | None:
    """Return the class of errors that is called: by its name, or as what was handed in as one."""
    name = _last(call.func)
    for each in function.args.args if function is not None else ():
        if each.arg == name and isinstance(each.annotation, ast.Subscript):
            return KINDS.get(_last(each.annotation.slice))
    return KINDS.get(name) if isinstance(call.func, ast.Name) else None


def _assigned(nodes: "Iterator[ast.AST] | list[ast.stmt]") -> Mapping[str, list[ast.expr]]:
    """Return the texts that are assigned to names."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                is_choice = isinstance(value, ast.IfExp) and isinstance(value.orelse, ast.Constant)
                if isinstance(value, ast.JoinedStr) or is_choice or _is_text(value):
                    found.setdefault(name, []).append(value)
    return found


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _last(node: ast.expr) -> str:
    """Return the last name of an expression, which says what it is."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Call(func=function, args=args):
            return _last(args[-1]) if _last(function) == "join" and args else _last(function)
        case ast.BoolOp(values=[first, *_]):
            return _last(first)
    return ""


BEGIN, END, EITHER = "\0", "\1", "\2"
"""What stands around a placeholder, and between alternatives, while the code is read."""


def _said(text: str) -> str:
    """Return `text` as the manual has it."""
    return text.replace(BEGIN, "").replace(END, "")


def _pattern(text: str) -> str:
    """Return a regular expression for what `text` is when it is said; a placeholder is anything."""
    parts = re.split(f"{BEGIN}[^{END}]*{END}", text)
    return ".*".join(re.escape(_said(part)) for part in parts)


def _merged(found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield each message once, with all its hints."""
    known: dict[str, Diagnostic] = {}
    for each in found:
        before = known.get(each.message)
        if before is None:
            known[each.message] = each
            continue
        hints = dict.fromkeys((*before.hint.split(" Or: "), *each.hint.split(" Or: ")))
        places = tuple(dict.fromkeys(before.places + each.places))
        hint = " Or: ".join(filter(None, hints))
        patterns = before.patterns + each.patterns
        known[each.message] = replace(before, hint=hint, places=places, patterns=patterns)
    yield from known.values()


EXPLANATIONS = Path(__file__).with_suffix("").parent / "explanations.toml"


def _explained() -> tuple[Diagnostic, ...]:
    """Return all of them, by exit code and message."""
    told = tomllib.loads(EXPLANATIONS.read_text("utf-8"))
    found = _merged(_Reader().found())
    every = [
        replace(each, explanation=" ".join(told.get(each.message, "").split())) for each in found
    ]
    return tuple(sorted(every, key=lambda each: (each.exit_code, each.message.lower())))


ALL = _explained()
"""Every one of them, by exit code and message."""


def disagreements() -> list[str]:
    """Return the messages that lack an explanation, and the explanations of none."""
    told = tomllib.loads(EXPLANATIONS.read_text("utf-8"))
    lacking = [each.message for each in ALL if not each.explanation]
    return lacking + [message for message in told if message not in {each.message for each in ALL}]
