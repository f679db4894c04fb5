"""Worlds for tests that need no process of their own."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hexauth import hex as hexpm
from hexauth import oauth
from hexauth.config import load
from hexauth.model import Token
from hexauth.sandbox.serve import Sandbox
from hexauth.system import Screen, places
from hexauth.tokens import save
from hexauth.world import World


def world(
    home: Path,
    environ: Mapping[str, str] | None = None,
    toml: str = "",
    *,
    visible: bool = False,
) -> World:
    """Return a world whose home is `home`, with `toml` as its config.toml.

    Whether somebody is there to be asked is whether the screen is `visible`.
    """
    surroundings = {"HEXAUTH_HOME": str(home), "HEXAUTH_VAULT": "file", **(environ or {})}
    here = places(surroundings)
    if toml:
        here.config.write_text(toml, "utf-8")
    settings = load(surroundings, here.config)
    return World(surroundings, settings, here, Screen(io.StringIO().write, visible=visible))


def issue(here: World, sandbox: Sandbox) -> Token:
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


def log_in(here: World, sandbox: Sandbox, **changes: Any) -> Token:
    """Save the token of a new session, with `changes`, as if somebody had logged in; return it."""
    token = replace(issue(here, sandbox), **changes)
    save(here, here.settings.login, token)
    return token
