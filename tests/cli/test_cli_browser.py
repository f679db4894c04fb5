"""The main job as a person does it: `hexauth login` in a terminal, Approve in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import sync_playwright

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, need

QUIET = (
    "--no-sandbox",  # root may not have one
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def test_approving_in_a_browser_logs_in_with_the_scopes_that_were_ticked(
    serve: Serve, machine: Callable[[Sandbox], Machine]
) -> None:
    chromium = need("chromium", "chromium")
    here = machine(serve())
    with here.start("hexauth", "login", "--no-browser", "--name", "desk") as process:
        assert process.stderr is not None
        asked = ""
        while "code " not in asked and (line := process.stderr.readline()):
            asked += line.decode()
        address = re.search(r"open (\S+)", asked)
        code = re.search(r"code (\S+)\.", asked)
        assert address is not None
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
            page = browser.new_context(java_script_enabled=False).new_page()
            page.goto(address[1])
            shown = page.inner_text("body") + page.get_by_role("textbox").input_value()
            page.get_by_label("Publish packages").uncheck()
            with page.expect_navigation():
                page.get_by_role("button", name="Approve").click()
            browser.close()
        process.communicate(timeout=60)

    assert code is not None
    assert code[1] in shown
    assert "desk" in shown
    assert process.returncode == 0
    assert here.status()["logins"][0]["scopes"] == ["api:read", "repositories"]
