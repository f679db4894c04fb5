"""Homes for tests that need no process of their own."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hexauth.login.tokens import Tokens
from hexauth.machine.folders import places
from hexauth.machine.terminal import Screen
from hexauth.model import Token
from hexauth.sandbox.serve import Sandbox
from hexauth.servers.directory import client_for
from hexauth.vault.home import Home
from hexauth.world.settings import load


def home(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    toml: str = "",
    *,
    visible: bool = False,
) -> Home:
    """Return the home in `folder`, with `toml` as its config.toml.

    Whether somebody is there to be asked is whether the screen is `visible`.
    """
    surroundings = {"HEXAUTH_HOME": str(folder), "HEXAUTH_VAULT": "file", **(environ or {})}
    here = places(surroundings)
    if toml:
        here.config.write_text(toml, "utf-8")
    settings = load(surroundings, here.config)
    return Home(surroundings, settings, here, Screen(io.StringIO().write, visible=visible))


def issue(here: Home, sandbox: Sandbox) -> Token:
    """Return the token of a new session, which nobody has saved."""
    client = client_for(here, here.settings.login)
    grant = client.device_authorization("api repositories", "vm")
    sandbox.hexpm.answer(sandbox.hexpm.grants()[-1], approve=True)
    return client.device_token(grant.device_code)


def log_in(here: Home, sandbox: Sandbox, **changes: Any) -> Token:
    """Save the token of a new session, with `changes`, as if somebody had logged in; return it."""
    token = issue(here, sandbox).replaced(**changes)
    Tokens(here, here.settings.login).save(token)
    return token
