"""`hexauth api`: send one request to the target's API, and print what it answers."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import click

from hexauth import hex as hexpm
from hexauth.cli.options import Flags, account_option, login_option, vault_option
from hexauth.cli.streams import write_answer
from hexauth.errors import HexauthError, Unreachable, UsageError
from hexauth.login.asking import allowed_to_ask
from hexauth.machine.terminal import encoding, printable, readable
from hexauth.servers.directory import server_for
from hexauth.servers.repositories import find_repository
from hexauth.servers.targets import parse_target
from hexauth.vault.home import Home
from hexauth.world.http import astray, body, near, nonsense, unreachable
from hexauth.world.urls import is_web_url, origin, split_url

PAGES = 1000
"""The most pages that are fetched for one command."""

ANSWER_BYTES = 16 * 1024 * 1024
"""The longest answer, or page, that is printed."""

PAGES_BYTES = 64 * ANSWER_BYTES
"""The most that is printed of all pages together."""

CHUNK_BYTES = 64 * 1024

ERROR_BYTES = 1024 * 1024
"""The longest answer in which a message is looked for."""


@click.command(short_help="Send a request to the API.")
@click.argument("path")
@click.option("-X", "--method", metavar="METHOD", help="[default: GET, or POST with a body]")
@click.option(
    "-f",
    "--field",
    "fields",
    metavar="KEY=VALUE",
    multiple=True,
    help="Send this text: in the body as JSON, or in the query of a GET.",
)
@click.option("--input", "source", metavar="FILE", help="Send this file; - is standard input.")
@click.option(
    "-H", "--header", "headers", metavar="NAME:VALUE", multiple=True, help="Send this header, too."
)
@click.option("-i", "--include", is_flag=True, help="Print the status and the headers, too.")
@click.option("--paginate", is_flag=True, help="Fetch all pages; lists are joined into one.")
@click.option(
    "--target",
    default=hexpm.REPOSITORY,
    show_default=True,
    metavar="TARGET",
    help="Whose API: hexpm, another repository, or an URL.",
)
@account_option()
@login_option()
@vault_option()
@click.pass_obj
def api(
    flags: Flags,
    path: str,
    method: str | None,
    fields: tuple[str, ...],
    source: str | None,
    headers: tuple[str, ...],
    include: bool,
    paginate: bool,
    target: str,
) -> None:
    """Send a request to the API and print the answer, as it comes.

    PATH is below the API's address, such as users/me, or an URL there. The request is authenticated
    as `hexauth get` would do it; a one-time password is asked for, or read from HEX_OTP, if the
    server wants one. The exit code is 1 if the server answers with a status of 400 or more, and 6
    if its answer takes over a minute or is longer than 16 MiB.
    """
    if source is not None and fields:
        raise UsageError("There are two bodies.", hint="Give either --input or -f.")
    pairs = dict(_pair(each, "=", "-f KEY=VALUE") for each in fields)
    names = dict(_pair(each, ":", "-H NAME:VALUE") for each in headers)
    if any(name.lower() == "authorization" for name in names):
        raise UsageError(
            "The header Authorization is what hexauth itself sends.",
            hint="Leave it out; --account names whose credential is sent.",
        )
    verb = (method or ("POST" if pairs or source is not None else "GET")).upper()
    if paginate and verb != "GET":
        raise UsageError(
            f"--paginate is for GET alone, not for {verb}.", hint="Leave one of the two out."
        )
    home = flags.home()
    url = _url(home, target, path)
    options: dict[str, Any] = {"headers": names}
    if source is not None:
        options["data"] = _content(source)
    elif pairs:
        options["params" if verb in ("GET", "HEAD") else "json"] = pairs
    if source is not None and not any(name.lower() == "content-type" for name in names):
        names["Content-Type"] = "application/json"
    session = _session(home, target, flags.ask)
    with SpooledTemporaryFile(ANSWER_BYTES) as joined:
        for answer, content in _answers(session, verb, url, options, paginate=paginate):
            if include:
                write_answer(_head(answer))
            _take(answer, content, joined if paginate else None)
        if joined.tell():
            joined.write(b"]")
            joined.seek(0)
            is_seen = sys.stdout is not None and sys.stdout.isatty()
            while part := joined.read(-1 if is_seen else CHUNK_BYTES):
                _write(part)


def _take(answer: Any, content: bytes, joined: IO[bytes] | None) -> None:  # noqa: ANN401  (requests is imported later)
    """Print an answer, or add it to those `joined` if it is a page of a list.

    Raises `HexauthError` if it is a refusal.
    """
    items = _items(content) if joined is not None and answer.status_code < 400 else None
    if joined is None or items is None:
        _write(content)
    else:
        joined.write(b"" if joined.tell() else b"[")
        joined.write(b"," + items if items and joined.tell() > 1 else items)
        if joined.tell() > PAGES_BYTES:
            raise nonsense(answer.url, "pages without end")
    if answer.status_code >= 400:
        raise _failure(answer, content)


def _items(page: bytes) -> bytes | None:
    """Return what is between the brackets of a JSON list; None if `page` is none.

    It is not parsed: a list of a few megabytes would take hundreds of them.
    """
    page = page.strip()
    return page[1:-1].strip() if page[:1] == b"[" and page[-1:] == b"]" else None


def _pair(text: str, sign: str, usage: str) -> tuple[str, str]:
    name, found, value = text.partition(sign)
    if not found or not name.strip() or not text.isprintable():
        raise UsageError(f"{text!r} makes no sense.", hint=f"Write {usage}.")
    return name.strip(), value.strip() if sign == ":" else value


def _url(home: Home, target: str, path: str) -> str:
    """Return the URL that `path` is at the API of `target`. Raises `UsageError` for another's."""
    if "://" in target:
        named = parse_target(target, home.settings)
        known = server_for(home, named)
        base = known.url if known is not None else target.rstrip("/")
    else:
        base = find_repository(target, home.settings).api_url
    url = path if "://" in path else f"{base}/{path.lstrip('/')}"
    same = is_web_url(url) and origin(*split_url(url)) == origin(*split_url(base))
    if not same or re.search(r"(^|/)\.\.?(/|$)", url.partition("?")[0]):
        raise UsageError(f"{path!r} is no part of {base}.", hint="Write a path such as users/me.")
    return url


def _content(source: str) -> bytes:
    if source == "-":
        return b"" if sys.stdin is None else sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{source} cannot be read: {error.strerror}.",
            hint="Check its name and mode, or write --input - to read standard input.",
        ) from None


def _session(home: Home, target: str, ask: bool | None) -> Any:  # noqa: ANN401  (requests is imported later)
    from hexauth.credentials.http_auth import HexAuth

    session = home.session()
    session.auth = HexAuth(target, ask=allowed_to_ask(home, ask), home=home)
    return session


def _answers(
    session: Any,  # noqa: ANN401  (requests is imported later)
    verb: str,
    url: str,
    options: dict[str, Any],
    *,
    paginate: bool,
) -> Iterator[tuple[Any, bytes]]:
    """Yield the answer and its body, or those of all pages (RFC 8288, `rel="next"`)."""
    import requests

    here = origin(*split_url(url))
    try:
        with session:
            for _ in range(PAGES):
                answer = session.request(verb, url, stream=True, **options)
                yield answer, body(answer, ANSWER_BYTES)
                following = answer.links.get("next", {}).get("url") if paginate else None
                if not following:
                    return
                options.pop("params", None)
                page = near(url, following)
                if page is None:
                    raise Unreachable(
                        f"{here} has its next page elsewhere, which is refused.",
                        hint="Whoever runs the server has to mend that; without --paginate there "
                        "is the first page.",
                    )
                url = page
    except requests.RequestException as error:
        raise unreachable(here, error) from None
    except ValueError:  # urllib's word for it
        raise astray(here, "to what is no address") from None


def _json(content: bytes) -> Any:  # noqa: ANN401  (JSON is anything)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _head(answer: Any) -> bytes:  # noqa: ANN401  (requests is imported later)
    lines = [f"HTTP {answer.status_code} {answer.reason or ''}".rstrip()]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("".join(f"{printable(line)}\n" for line in lines) + "\n").encode()


def _write(content: bytes) -> None:
    """Write an answer as it is; a person gets to see it escaped, and its line ends."""
    if content and sys.stdout is not None and sys.stdout.isatty():
        text = readable(content.removesuffix(b"\n")) + "\n"
        content = text.encode(encoding(sys.stdout), "backslashreplace")
    write_answer(content)


def _failure(answer: Any, content: bytes) -> HexauthError:  # noqa: ANN401  (requests is imported later)
    """Return the error with the message of the server's own, if it sends one."""
    said = _json(content) if len(content) <= ERROR_BYTES else None
    said = said if isinstance(said, dict) else {}
    text = next((said[key] for key in ("message", "error") if isinstance(said.get(key), str)), "")
    where = split_url(answer.url)[1]
    message = f": {text[:500]}" if text else ""
    hint = "The server has failed: try again in a while." if answer.status_code >= 500 else ""
    return HexauthError(
        f"{where} answered {answer.status_code}{message}",
        hint=hint or "Check the path, and what this login may do.",
    )
