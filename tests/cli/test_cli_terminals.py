"""Two terminals, as two people's hands would use them."""

from collections.abc import Callable

import pexpect

from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve

Make = Callable[[Sandbox], Machine]


def terminal(machine: Machine, command: str) -> "pexpect.spawn[str]":
    """Run a shell command in a terminal of its own."""
    return pexpect.spawn(
        "sh", ["-c", command], env=machine.environ, cwd=machine.home, encoding="utf-8",
        timeout=SECONDS, dimensions=(24, 120),
    )  # fmt: skip


def test_the_second_terminal_shows_what_the_first_waits_for_and_gets_the_same_token(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve()
    here = machine(sandbox)

    first = terminal(here, "hexauth get hexpm --format token > first")
    first.expect(r"To log in, open (http://\S+)\r\nand check that it shows the code (\S+)\.\r\n")
    address, code = first.match.groups()
    second = terminal(here, "hexauth get hexpm --format token > second")
    second.expect(r"Process (\d+) is waiting for you: open (\S+)\r\n.* the code (\S+)\.\r\n")
    seen = second.match.groups()
    sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
    for each in (first, second):
        each.expect(pexpect.EOF)
        each.close()

    assert seen[1:] == (address, code)
    assert (here.home / "first").read_text() == (here.home / "second").read_text() != ""
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_bare_get_at_a_terminal_answers_for_hexpm(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))

    shell = terminal(machine, "hexauth get --format header")

    shell.expect(r"Authorization: Bearer eyJ\S+\r\n")


def test_ctrl_c_at_the_prompt_ends_it_in_two_lines(serve: Serve, machine: Make) -> None:
    shell = terminal(machine(serve()), "trap : INT; hexauth login --no-browser; echo exit $?")
    shell.expect("check that it shows")

    shell.sendintr()

    shell.expect("hexauth: The login was interrupted; nothing was changed.")
    shell.expect("exit 130")


def test_the_prompt_goes_to_the_terminal_even_if_standard_error_does_not(
    serve: Serve, machine: Make
) -> None:
    here = machine(serve(approve_after=0.5))

    shell = terminal(here, "hexauth get hexpm --format token >out 2>err; cat err; wc -l <out")

    shell.expect("To log in, open")
    shell.expect(r"\n1\r\n")


def test_a_key_typed_at_a_terminal_is_not_echoed(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    key = sandbox.hexpm.add_key("api repositories")
    shell = terminal(machine(sandbox), "hexauth login --with-token")
    shell.expect("API key: ")

    shell.sendline(key)
    shell.expect("is stored")

    assert key not in (shell.before or "")
