"""Homes for tests that need no process of their own."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hexauth import hex as hexpm
from hexauth.login.tokens import Tokens
from hexauth.machine.folders import places
from hexauth.machine.terminal import Screen
from hexauth.model import Token
from hexauth.sandbox.serve import Sandbox
from hexauth.servers import oauth
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
    login = here.settings.login
    endpoints = hexpm.endpoints(login.server)
    grant = oauth.device_authorization(
        here.http, endpoints, login.client_id, scope="api repositories", name="vm", now=here.now()
    )
    sandbox.hexpm.answer(sandbox.hexpm.grants()[-1], approve=True)
    return oauth.device_token(
        here.http, endpoints, login.client_id, grant.device_code, now=here.now()
    )


def log_in(here: Home, sandbox: Sandbox, **changes: Any) -> Token:
    """Save the token of a new session, with `changes`, as if somebody had logged in; return it."""
    token = replace(issue(here, sandbox), **changes)
    Tokens(here, here.settings.login).save(token)
    return token
