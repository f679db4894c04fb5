"""JSON (RFC 8259) by json's own scanner and encoder in C, without what surrounds them.

`json` takes 6 ms to import, most of it for regular expressions: more than a stored password takes.
What is read and written here is what `json.loads` and `json.dumps` would read and write.
"""

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SPACE = " \t\n\r"


class _Context:
    """What the scanner asks for, with json's own defaults."""

    strict = True
    object_hook = object_pairs_hook = array_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}.get


try:
    # Private, and the same since Python 3.1.
    from _json import encode_basestring_ascii as quoted
    from _json import make_scanner

    _scan: "Callable[[str, int], tuple[Any, int]]"
    _scan = make_scanner(_Context())  # type: ignore[arg-type]  # it looks at attributes alone
except (ImportError, AttributeError, TypeError):  # an interpreter that has it elsewhere
    from json.decoder import JSONDecoder
    from json.encoder import encode_basestring_ascii as quoted

    _scan = JSONDecoder().raw_decode


def loads(content: "str | bytes") -> "Any":  # noqa: ANN401  (whatever it holds)
    """Return the value that `content` is, in UTF-8 if it is bytes.

    Raises ValueError, and RecursionError for what is nested too deeply.
    """
    text = content if isinstance(content, str) else content.decode()
    start = len(text) - len(text.lstrip(SPACE))
    try:
        found, end = _scan(text, start)
    except StopIteration:
        raise ValueError("no JSON") from None
    if text[end:].strip(SPACE):
        raise ValueError("more than one JSON value")
    return found


def dumps(value: object) -> str:
    """Return `value`, made of texts, whole numbers, None, lists and dicts, as JSON in ASCII."""
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {dumps(value[key])}" for key in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumps, value)) + "]"
    raise TypeError(f"{type(value).__name__} is not for here")
