"""Hosts that take turns step by step, as a plan says, by a clock of their own.

Each is a thread, of which one runs at a time: whoever has the baton. So one plan is one course of
events, whatever the machine does meanwhile.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

READY, WAITING, PAUSED, DEAD, DONE = "ready", "waiting", "paused", "dead", "done"

SWITCH, PAUSE, DEATH, CRASH = "switch", "pause", "death", "crash"
"""What the stage does itself: the other host's turn; the other runs to its end meanwhile; the host
is gone for good; its process is, and another comes to the same host."""

STACK_BYTES = 1 << 19


class Over(BaseException):
    """Ends the thread of a host that was killed, or was in the middle of something."""


@dataclass(frozen=True)
class Event:
    """What happens before the step number `step` of the host called `host`."""

    host: str
    step: int
    what: str


@dataclass
class Actor:
    """A process on the host called `host`, and where it is."""

    host: str
    work: Callable[[], None]
    state: str = READY
    wake: float = inf
    is_woken: Callable[[], bool] = lambda: False
    steps: list[str] = field(default_factory=list)
    baton: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread | None = None


class Stage:
    """The order in which actors do their steps, and the time."""

    def __init__(self, plan: Sequence[Event], begin: float) -> None:
        self.plan, self.clock = list(plan), begin
        self.actors: list[Actor] = []
        self.current: Actor | None = None
        self.killed: Callable[[Actor, str], Actor | None] = lambda _actor, _what: None
        """Called when a process is killed; may return the one that comes next on its host."""
        self.deadline: Callable[[], float] = lambda: inf
        """Returns when something happens by itself."""
        self.passed: Callable[[], None] = lambda: None
        """Called when time has passed."""
        self._is_over, self._end = False, threading.Semaphore(0)
        self._failure: BaseException | None = None

    def now(self) -> float:
        """Return the time."""
        return self.clock

    def run(self, actors: Sequence[Actor]) -> None:
        """Let them all come to their ends. Raises what one of them has not expected."""
        self.actors = list(actors)
        self._hand_on(self._next(None))
        self._end.acquire()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the threads of those who never got to their ends."""
        self._is_over = True
        for actor in self.actors:
            if actor.thread is not None:
                actor.baton.release()
                actor.thread.join()

    def step(self, name: str) -> str:
        """Let happen what is to happen before this step; return what somebody else has to do."""
        me = self._me()
        number, rest = len(me.steps), ""
        me.steps.append(name)
        for event in [each for each in self.plan if (each.host, each.step) == (me.host, number)]:
            self.plan.remove(event)
            if event.what == SWITCH:
                self._wait(me, READY)
            elif event.what == PAUSE:
                self._wait(me, PAUSED)
            elif event.what in (DEATH, CRASH):
                me.state = DEAD
                heir = self.killed(me, event.what)
                if heir is not None:
                    heir.steps = me.steps
                    self.actors.insert(0, heir)
                self._wait(me, DEAD)
            else:
                rest = event.what
        return rest

    def sleep(self, seconds: float) -> None:
        """Let time pass, in which others do what they have to."""
        self.block(seconds)

    def block(self, seconds: float, is_woken: Callable[[], bool] = lambda: False) -> None:
        """Wait until `is_woken` tells so, or the time is over."""
        me = self._me()
        me.wake, me.is_woken = self.clock + seconds, is_woken
        self._wait(me, WAITING)

    def _me(self) -> Actor:
        if self._is_over:
            raise Over
        assert self.current is not None
        return self.current

    def _wait(self, me: Actor, state: str) -> None:
        me.state = state
        after = self._next(me)
        if after is not me:
            self._hand_on(after)
            me.baton.acquire()
            if self._is_over:
                raise Over
        me.state, me.is_woken, self.current = READY, lambda: False, me

    def _hand_on(self, actor: Actor | None) -> None:
        if actor is None:
            self._end.release()
            return
        self.current = actor
        if actor.thread is None:
            actor.thread = threading.Thread(target=self._play, args=(actor,), daemon=True)
            actor.thread.start()
        else:
            actor.baton.release()

    def _play(self, actor: Actor) -> None:
        try:
            actor.work()
        except Over:
            return
        except BaseException as error:
            self._failure = error
            self._end.release()
            return
        actor.state = DONE
        for other in self.actors:
            if other.state == PAUSED:
                other.state = READY
        self._hand_on(self._next(actor))

    def _next(self, me: Actor | None) -> Actor | None:
        """Return whose turn it is: the others' first; if all wait, time passes."""
        order = [each for each in self.actors if each is not me] + ([me] if me else [])
        while True:
            for each in order:
                if each.state == READY:
                    return each
                if each.state == WAITING and (each.wake <= self.clock or each.is_woken()):
                    return each
            ends = [each.wake for each in order if each.state == WAITING]
            if ends:
                self.clock = max(self.clock, min(*ends, self.deadline(), inf))
                self.passed()
                continue
            paused = [each for each in order if each.state == PAUSED]
            if not paused:
                return None
            paused[0].state = READY
