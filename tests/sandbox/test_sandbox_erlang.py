import json
import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]

LOG_IN = """
{:ok, _} = Application.ensure_all_started(:inets)
base = System.fetch_env!("HEX_API_URL") <> "/"
agent = 'hex_core/0.19.0 hex/2.5.2-dev (elixir/1.14.0) (OTP/25) (erts/13.1.5)'
erlang = 'application/vnd.hex+erlang'

decode = fn {:ok, {{_, status, _}, _, body}} ->
  {status, if(body == "", do: nil, else: :erlang.binary_to_term(body, [:safe]))}
end

post = fn path, map ->
  request = {to_charlist(base <> path), [{'accept', erlang}, {'user-agent', agent}], erlang,
             :erlang.term_to_binary(map)}
  decode.(:httpc.request(:post, request, [], body_format: :binary))
end

client = "78ea6566-89fd-481e-a1d6-7d9d78eacca8"
{200, grant} = post.("oauth/device_authorization",
  %{"client_id" => client, "name" => "vm", "scope" => "api repositories"})

{200, token} = post.("oauth/token",
  %{"grant_type" => "urn:ietf:params:oauth:grant-type:device_code", "client_id" => client,
    "device_code" => grant["device_code"]})

{200, new} = post.("oauth/token",
  %{"grant_type" => "refresh_token", "client_id" => client,
    "refresh_token" => token["refresh_token"]})

{400, %{"error" => error}} = post.("oauth/token",
  %{"grant_type" => "refresh_token", "client_id" => client,
    "refresh_token" => token["refresh_token"]})

headers = [{'accept', erlang}, {'user-agent', agent},
           {'authorization', to_charlist("Bearer " <> new["access_token"])}]
{200, user} = decode.(
  :httpc.request(:get, {to_charlist(base <> "users/me"), headers}, [], body_format: :binary))
{200, nil} = post.("oauth/revoke", %{"token" => new["refresh_token"], "client_id" => client})

true = is_integer(grant["expires_in"]) and is_integer(grant["interval"])
IO.puts(~s(["#{error}", "#{new["scope"]}", "#{user["username"]}"]))
"""
"""What the Mix client does, with the HTTP client and the term format of Erlang itself."""


@pytest.fixture(scope="module")
def elixir() -> str:
    """Return where Elixir is; a test without it is skipped."""
    found = shutil.which("elixir")
    if found is None:
        pytest.skip("Elixir is missing: install the package `elixir`.")
    return found


def test_erlang_itself_can_log_in(serve: Serve, elixir: str) -> None:
    """Login, refresh, a second refresh that is refused, the user's name, and the end."""
    sandbox = serve(approve_after=0)
    done = subprocess.run(
        [elixir, "-e", LOG_IN],
        env={**os.environ, "HEX_API_URL": sandbox.api_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, json.loads(done.stdout or done.stderr)) == (
        0,
        ["invalid_grant", "api:read api:write repositories", "alice"],
    )
