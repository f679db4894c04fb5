import re
from collections.abc import Callable, Iterator

import pytest
import requests
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]
Post = Callable[..., requests.Response]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Start Chromium, which takes a while."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield found
        found.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Start a sandbox whose address is the same for many tests."""
    with Sandbox(Options()) as found:
        yield found


@pytest.fixture(scope="module")
def phone(browser: Browser) -> BrowserContext:
    """Open a window 360 pixels wide that runs no script."""
    return browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Page:
    """Open a tab in which tests look around by scripts of their own."""
    tab = browser.new_context().new_page()
    tab.set_default_timeout(10_000)
    return tab


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    """Open a tab whose waits are short."""
    tab = phone.new_page()
    tab.set_default_timeout(10_000)
    yield tab
    tab.close()


def press(tab: Page, name: str) -> None:
    """Press a button, and wait for the page that it leads to."""
    with tab.expect_navigation():
        tab.get_by_role("button", name=name).click()


def test_a_scope_that_is_unticked_is_not_granted(
    serve: Serve, post: Post, poll: Post, page: Page
) -> None:
    """The person approves the rest, from the complete URI."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", scope="api repositories", name="vm").json()
    page.goto(grant["verification_uri_complete"])
    page.get_by_label("Publish packages").uncheck()
    press(page, "Approve")

    assert (
        page.get_by_role("heading").inner_text(),
        poll(sandbox, grant["device_code"]).json()["scope"],
    ) == (
        "Approved",
        "api:read repositories",
    )


def test_a_denied_login_is_denied(serve: Serve, post: Post, poll: Post, page: Page) -> None:
    """The device hears of it."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", name="vm").json()
    page.goto(grant["verification_uri_complete"])
    press(page, "Deny")

    assert (
        page.get_by_role("heading").inner_text(),
        poll(sandbox, grant["device_code"]).json()["error"],
    ) == (
        "Denied",
        "access_denied",
    )


def test_the_page_shows_what_is_asked(serve: Serve, post: Post, page: Page) -> None:
    """The code, the device, and every scope, ticked; all of it fits on a phone."""
    grant = post(
        serve(), "device_authorization", scope="api repositories", name="build-server-03"
    ).json()
    page.goto(grant["verification_uri_complete"])
    boxes = page.get_by_role("checkbox").all()
    code = grant["user_code"]
    body = page.locator("body").bounding_box()

    assert (
        page.get_by_label("Go on only if").input_value(),
        "build-server-03" in page.locator("main").inner_text(),
        [box.is_checked() for box in boxes],
        body and body["width"] <= 360,
    ) == (f"{code[:4]}-{code[4:]}", True, [True] * 3, True)


def test_a_code_can_be_typed(serve: Serve, post: Post, page: Page) -> None:
    """In lower case, with a dash or a space."""
    grant = post(serve(), "device_authorization", name="vm").json()
    code = grant["user_code"].lower()
    page.goto(grant["verification_uri"])
    page.get_by_label("Code").fill(f"{code[:4]} {code[4:]}")
    press(page, "Continue")

    assert page.get_by_role("heading").inner_text() == "Allow this login?"


def test_a_wrong_code_can_be_corrected(serve: Serve, page: Page) -> None:
    """It is still in the field, and the page says that there is no such code."""
    page.goto(f"{serve().url}/oauth/device?user_code=WRONG")

    assert (
        page.get_by_label("Code").input_value(),
        page.get_by_role("alert").inner_text(),
    ) == ("WRONG", "There is no such code. Check it, letter by letter.")


def test_approving_nothing_is_asked_about_again(serve: Serve, post: Post, page: Page) -> None:
    """A login without any scope would be of no use; pressing Enter once more allows nothing."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", scope="repositories").json()
    page.goto(grant["verification_uri_complete"])
    page.get_by_role("checkbox").uncheck()
    press(page, "Approve")

    assert (
        page.get_by_role("alert").inner_text(),
        page.get_by_role("checkbox").is_checked(),
        sandbox.journal.counts()["approvals"],
    ) == ("Choose at least one thing to allow, or deny the login.", False, 0)


def test_a_code_that_ran_out_is_told_so(serve: Serve, post: Post, poll: Post) -> None:
    """With the way to a new one."""
    sandbox = serve(expires_in=0.01)
    grant = post(sandbox, "device_authorization").json()
    while poll(sandbox, grant["device_code"]).json()["error"] != "expired_token":
        pass
    answer = requests.get(grant["verification_uri_complete"], timeout=10)

    assert (answer.status_code, "has expired" in answer.text) == (410, True)


def test_a_code_is_answered_once(serve: Serve, post: Post) -> None:
    """Who comes back finds it approved."""
    sandbox = serve(approve_after=0)
    grant = post(sandbox, "device_authorization").json()
    answer = requests.get(grant["verification_uri_complete"], timeout=10)

    assert (answer.status_code, "approved already" in answer.text) == (410, True)


def test_a_name_cannot_become_a_part_of_the_page(serve: Serve, post: Post) -> None:
    """The device says itself what it is called."""
    grant = post(serve(), "device_authorization", name="<script>alert(1)</script>").json()

    assert "<script" not in requests.get(grant["verification_uri_complete"], timeout=10).text


@pytest.mark.parametrize("steal", ["cookie", "proof", "both"])
def test_an_answer_must_come_from_the_page(serve: Serve, post: Post, steal: str) -> None:
    """Another site's form has neither the cookie nor the proof that belongs to it."""
    sandbox = serve()
    grant = post(sandbox, "device_authorization", scope="repositories").json()
    with requests.Session() as browser:
        html = browser.get(grant["verification_uri_complete"], timeout=10).text
        found = re.search('name="proof" value="([0-9a-f]+)"', html)
        assert found is not None
        form = {"user_code": grant["user_code"], "answer": "approve", "scope": "repositories"}
        if steal in ("proof", "both"):
            form["proof"] = found[1]
        if steal == "proof":
            browser.cookies.clear()
        answer = browser.post(grant["verification_uri"], data=form, timeout=10)

    assert (answer.status_code, sandbox.journal.counts()["approvals"]) == (
        (200, 1) if steal == "both" else (403, 0)
    )


@pytest.mark.parametrize("path", ["/", "/oauth/device", "/oauth/device?user_code=WRONG"])
def test_every_page_keeps_scripts_and_frames_away(serve: Serve, path: str) -> None:
    """By its headers."""
    headers = requests.get(f"{serve().url}{path}", timeout=10).headers
    policy = headers["content-security-policy"]

    assert (
        re.sub("sha256-[^']+", "HASH", policy),
        headers["x-frame-options"],
        headers["cache-control"],
    ) == (
        "default-src 'none'; style-src 'HASH'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
        "DENY",
        "no-store",
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:4000", 200),
        ("[::1]:4000", 200),
        ("evil.test", 421),
        ("127.0.0.1.evil.test", 421),
        ("localhost.evil.test:80", 421),
        ("", 421),
    ],
)
def test_only_loopback_names_are_answered(serve: Serve, host: str, status: int) -> None:
    """A page whose name is made to point here gets nothing (DNS rebinding)."""
    answer = requests.get(f"{serve().url}/oauth/device", headers={"Host": host}, timeout=10)

    assert answer.status_code == status


def begin(sandbox: Sandbox, post: Post, tab: Page) -> str:
    """Begin a login, and open its page; return its address."""
    grant = post(sandbox, "device_authorization", scope="api repositories", name="vm").json()
    tab.goto(grant["verification_uri_complete"])
    return str(grant["verification_uri_complete"])


def approve_nothing(tab: Page) -> None:
    for box in tab.get_by_role("checkbox").all():
        box.uncheck()
    press(tab, "Approve")


def approve(tab: Page) -> None:
    press(tab, "Approve")


def deny(tab: Page) -> None:
    press(tab, "Deny")


STATES: dict[str, list[Callable[[Page], object]]] = {
    "Allow this login?": [],
    "Nothing is chosen": [approve_nothing],
    "Approved": [approve],
    "Denied": [deny],
    "Approved already": [approve, Page.go_back, Page.reload],
    "Denied already": [deny, Page.go_back, Page.reload],
    "Try again": [lambda tab: tab.context.clear_cookies(), approve],
}
"""What a person does on the page of a login to come to each other one, by its title."""


def come_to(title: str, sandbox: Sandbox, post: Post, tab: Page) -> None:
    if title in ("Log in a device", "There is no such code"):
        code = "?user_code=WRONG" if "no" in title else ""
        tab.goto(f"{sandbox.url}/oauth/device{code}")
        return
    begin(sandbox, post, tab)
    if title == "Expired":
        sandbox.hexpm.grants()[-1].expires_at = 0
        tab.reload()
    for act in STATES.get(title, []):
        act(tab)


LOOK = """([scheme, width]) => axe.run({
    resultTypes: ["violations"],
    rules: {"target-size": {enabled: true}},
}).then(found => found.violations.map(each => [scheme, width, each.id, each.nodes[0].html]))"""


@pytest.mark.parametrize("title", [*STATES, "Log in a device", "There is no such code", "Expired"])
def test_every_page_is_accessible_in_light_and_dark_on_a_phone_and_a_desk(
    sandbox: Sandbox, post: Post, desk: Page, title: str
) -> None:
    """As far as axe-core can tell; and nothing has to be scrolled sideways, nor at 200 %."""
    come_to(title, sandbox, post, desk)
    desk.evaluate(AXE_SCRIPT)
    found = []
    for scheme, width in (("light", 360), ("dark", 1280)):  # colors do not depend on the width
        desk.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
        desk.set_viewport_size({"width": width, "height": 740})
        found += desk.evaluate(LOOK, [scheme, width])

    assert (desk.title(), found) == (f"{title} · Hex sandbox", [])
    for width, size in ((320, "100%"), (640, "200%"), (360, "200%")):
        desk.set_viewport_size({"width": width, "height": 740})
        desk.evaluate("size => document.documentElement.style.fontSize = size", size)
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, (width, size)


FOCUSED = """() => {
    const here = document.activeElement;
    const style = getComputedStyle(here);
    const name = here.labels?.length ? here.labels[0].innerText : here.innerText;
    return [name.split("\\n")[0], style.outlineStyle !== "none" && style.outlineWidth !== "0px"];
}"""


def test_keyboard_alone_is_enough_and_shows_where_it_is(
    sandbox: Sandbox, post: Post, poll: Post, desk: Page
) -> None:
    grant = post(sandbox, "device_authorization", scope="api repositories", name="vm").json()
    desk.set_viewport_size({"width": 1280, "height": 740})
    desk.goto(grant["verification_uri"])
    desk.wait_for_selector("input:focus")
    with desk.expect_navigation(url="**wrong"):
        desk.keyboard.type("wrong\n")
    desk.wait_for_selector("input:focus")
    alert, field = desk.get_by_role("alert"), desk.get_by_label("Code")
    described = (field.get_attribute("aria-describedby") or "").split()
    invalid = field.get_attribute("aria-invalid")
    assert (alert.get_attribute("id") in described, invalid) == (True, "true")
    desk.keyboard.press("Control+A")
    with desk.expect_navigation():
        desk.keyboard.type(f"{grant['user_code']}\n")
    desk.wait_for_selector("text=Allow this login?")
    order = []
    for _ in range(6):
        desk.keyboard.press("Tab")
        order.append(tuple(desk.evaluate(FOCUSED)))
    for key in ("Shift+Tab", "Shift+Tab", "Shift+Tab", "Space"):
        desk.keyboard.press(key)
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    desk.wait_for_selector("h1:focus >> text=Approved")

    assert order == [
        ("Go on only if your terminal shows this code", True),
        ("Read your account, your packages and your organizations", True),
        ("Publish packages and change your account", True),
        ("Fetch packages from all your organizations", True),
        ("Approve", True),
        ("Deny", True),
    ]
    assert desk.evaluate("document.activeElement.tagName") == "H1"  # what is read out first
    assert poll(sandbox, grant["device_code"]).json()["scope"] == "api:read repositories"
