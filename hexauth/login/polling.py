"""The wait for a person's approval (RFC 8628 section 3.5): pure, so that time can be a fake.

Whether the code is still good is for the server to say, which knows; the clock may be set, and the
machine suspended, meanwhile. Here the wait is merely kept from going on for ever.
"""

import time
from collections.abc import Callable

from hexauth.errors import Declined, Expired, Garbled, Refused, Unreachable
from hexauth.machine.clock import Deadline
from hexauth.model import Token

SLOW_DOWN_SECONDS = 5
LONGEST_BACKOFF_SECONDS = 60

SPENT = "The code has probably been spent on it."


def wait(
    poll: Callable[[], Token],
    interval: float,
    seconds: float,
    *,
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
    slowed: Callable[[float], object] = lambda interval: None,
    troubled: Callable[[Unreachable | None, float], object] = lambda error, left: None,
) -> Token:
    """Poll until the person has answered, and return the token; RFC 8628 section 3.5.

    It takes `seconds` at most, by the monotonic clock, and waits `interval` seconds between polls.
    Waits one interval before the first poll too, because another process may just have polled. A
    server that is out of order is asked again, at doubled intervals, until the code expires; one
    that says yes in words that make no sense is not, as its code is good for no other. `slowed`
    hears the interval, in seconds, that holds from now on for whoever polls; `troubled` hears once
    why the server is asked again, and for how many seconds at most, and once, with None, that it is
    in order again. Raises `Declined`, `Expired`,
    `Refused` or `Garbled`.
    """
    end, delay = Deadline(seconds, monotonic), interval
    told = list[Unreachable | None]()
    while not end.is_over():
        sleep(min(delay, end.left()))
        try:
            return poll()
        except Garbled as error:
            raise Garbled(f"{error} {SPENT}", hint="Run `hexauth login` for a new code.") from None
        except Unreachable as error:
            if not told:
                told.append(error)
                troubled(error, end.left())
            delay = max(interval, min(delay * 2, LONGEST_BACKOFF_SECONDS))
            continue
        except Refused as refusal:
            if refusal.code == "slow_down":
                interval += SLOW_DOWN_SECONDS
                slowed(interval)
            elif refusal.code != "authorization_pending":
                raise _answer(refusal) from None
            if len(told) == 1:
                told.append(None)
                troubled(None, end.left())
        delay = interval
    raise Expired("The code expired before it was approved.")


def _answer(refusal: Refused) -> Exception:
    if refusal.code == "access_denied":
        return Declined("The login was denied.")
    if refusal.code in ("expired_token", "invalid_grant"):
        return Expired("The code expired before it was approved.")
    return refusal
