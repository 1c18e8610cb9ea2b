"""The keeper of the queue: `python -P -m planner.run.keeper` starts the next run when its memory is free.

A process of its own, without window and without torch, so runs follow each other with every window closed. One lives at a
time, by a lock that goes with it. The rule is one run at a time, in the queue's order: nobody overtakes a run that waits
for memory, and two runs never share it. It ends when nothing waits and no run that it started goes on; whoever opens the
window, or queues a run, starts one where it is wanted. All it knows lies on the disk, so another goes on where it was.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

from planner import plan_file
from planner.estimate import estimate
from planner.problem import Problem, ProblemError
from planner.run import layout, lock, overnight, queue
from planner.run.alone import CODE, going_on, name_of, start_alone
from planner.run.detached import launch
from planner.run.events import Failed
from planner.run.file_lock import is_held, try_lock
from planner.run.free import Free, free_now
from planner.run.home import home, home_found
from planner.run.journal import Journal
from planner.run.queue import Queued, Said
from planner.run.start import packages_found, start
from planner.units import words

LOOK_EVERY_S = 2.0
LONGEST_SILENCE_S = 30.0  # a word that says the same is written again, so that its time tells that somebody lives
STARTER = "worker-end"  # threads of `planner.run.start` that wait for a worker of this process


class Keeper:
    """`look` once is one turn: deal with what has ended, say why what waits does so, start what may start."""

    def __init__(self) -> None:
        self._said = Said()

    def look(self) -> bool:
        """Whether anything is left to wait for. Raises ProblemError where the queue cannot be read or written."""
        for run_dir in queue.watched():
            if not lock.is_held(run_dir):
                self._settle(run_dir)
        entries = queue.waiting()
        if not entries:
            self._say("", {})
            return bool(queue.watched()) or _own_run_goes_on()
        busy = going_on()
        says = {str(e.run_dir): "Held: it is passed over until it is let go." for e in entries if e.held}
        ready = [e for e in entries if not e.held]
        for place, entry in enumerate(ready):
            if place == 0:
                says[str(entry.run_dir)] = self._first(entry, busy)
            else:
                says[str(entry.run_dir)] = f"Waits for {ready[place - 1].run_dir.name}, which is before it."
        self._say(str(busy or ""), {folder: text for folder, text in says.items() if text})
        return True

    def _first(self, entry: Queued, busy: Path | None) -> str:
        """The same as `_next`, whatever cannot be written or read: a full disk passes, a folder that is closed does not."""
        try:
            return self._next(entry, busy)
        except ProblemError as error:
            if not os.access(entry.run_dir, os.W_OK):
                queue.leave_queue(entry.run_dir)
            return error.problem.fact

    def _next(self, entry: Queued, busy: Path | None) -> str:
        """Start the first that may, or say why not; empty where it was started."""
        story = overnight.read(entry.run_dir, entry.added) if entry.overnight else overnight.Story()
        if story.proof:
            if lock.is_held(Path(story.proof)):
                return "Its longest rows are being proved."
            return self._proved(entry, story)
        if busy is not None:
            return f"Waits for {name_of(busy)}, which is going on."
        if why := waits_for_memory(entry, free_now(entry.device)):
            return why
        if entry.overnight and overnight.needs_proof(entry.run_dir, story):
            return self._prove(entry, story)
        if entry.overnight:
            overnight.write(entry.run_dir, story)  # when it was asked for is told in the morning
        return self._start(entry.run_dir)

    def _start(self, run_dir: Path) -> str:
        try:
            start_alone(run_dir)
        except ProblemError as error:
            if error.problem.code == CODE:
                return error.problem.fact
            queue.taken(run_dir)  # one that was left to itself is told of at the next look
            if error.problem.code != "run.already_running":
                give_up(run_dir, error.problem)
        return ""

    def _prove(self, entry: Queued, story: overnight.Story) -> str:
        try:
            folder = overnight.new_proof(entry.run_dir)
            overnight.write(entry.run_dir, replace(story, proof=str(folder)))
            start(folder)
        except ProblemError as error:  # the run itself will say it in its own journal
            overnight.write(
                entry.run_dir, replace(story, proof="", proved=f"nothing was proved ({error.problem.code})")
            )
        return "Its longest rows are being proved."

    def _proved(self, entry: Queued, story: overnight.Story) -> str:
        try:
            story = overnight.after_proof(entry.run_dir, story)
        except ProblemError as error:
            queue.leave_queue(entry.run_dir)
            give_up(entry.run_dir, error.problem)
            overnight.tell(entry.run_dir, replace(story, proof=""), error.problem)
            return ""
        overnight.write(entry.run_dir, story)
        queue.add(_as_it_is_now(entry), first=True)
        return "Its longest rows are proved."

    def _settle(self, run_dir: Path) -> None:
        """An overnight run has ended: it goes on at the queue's head, or its story is told."""
        story = overnight.read(run_dir)
        if not (run_dir / layout.SPEC).is_file():
            queue.dealt_with(run_dir)  # it was deleted, or lies on a disk that is not there
            return
        problem: Problem | None = None
        try:
            then = overnight.after_end(run_dir, story)
            if then is not None:
                overnight.write(run_dir, then)
                queue.add(_as_it_is_now(Queued(run_dir, overnight=True)), first=True)
                return
        except ProblemError as error:
            problem = error.problem
        try:
            overnight.tell(run_dir, story, problem)
        finally:
            queue.dealt_with(run_dir)

    def _say(self, running: str, says: dict[str, str]) -> None:
        now = time.time()
        same = (running, says, "") == (self._said.running, self._said.says, self._said.problem)
        if not same or abs(now - self._said.time) > LONGEST_SILENCE_S:
            self._said = Said(os.getpid(), now, running, says)
            queue.say(self._said)

    def say_problem(self, text: str) -> None:
        """Why no look could be taken, to whoever asks and once in the log."""
        if text == self._said.problem:
            return
        self._said = replace(self._said, pid=os.getpid(), time=time.time(), problem=text)
        print(text, file=sys.stderr, flush=True)
        with contextlib.suppress(ProblemError):
            queue.say(self._said)


def waits_for_memory(entry: Queued, free: Free) -> str:
    """Why it waits, in a sentence with who holds the memory; empty where it need not."""
    if free.bytes >= entry.need_bytes:
        return ""
    who = ", ".join(f"{name} {words(size)}" for name, size in free.holders[:3])
    held = f" Other programs hold: {who}." if who else ""
    return f"Starts when {words(entry.need_bytes)} are free on {free.name}; {words(free.bytes)} are free now.{held}"


def give_up(run_dir: Path, problem: Problem) -> None:
    """A run that could not even be started says so in its own journal, where everybody looks."""
    try:
        held = lock.Lock(run_dir)
        told = Journal(run_dir)
    except (ProblemError, OSError):
        return
    try:
        told.append(Failed(time.time(), "start", 0, problem))
    except OSError:
        pass  # the disk is full; the queue goes on
    finally:
        told.close()
        held.release()


def _as_it_is_now(entry: Queued) -> Queued:
    """The entry with what the run's settings need by now."""
    plan = plan_file.load_spec(entry.run_dir / layout.SPEC).plan
    from planner.run.arguments import computing_device

    need = queue.need_of(estimate(plan))
    return replace(entry, need_bytes=need, device=computing_device(plan).id, added=entry.added or time.time(), said="")


def _own_run_goes_on() -> bool:
    """Whether a worker that this process started still lives: how it ends is written down by whoever started it."""
    return any(thread.name == STARTER for thread in threading.enumerate())


# --- the process ---


def lock_file() -> Path:
    return home() / "keeper.lock"


def lives() -> bool:
    """Whether a keeper is at work."""
    return is_held(lock_file())


def ensure() -> bool:
    """Start a keeper where one is wanted and none lives; whether one was started. Raises ProblemError `queue.no_keeper`."""
    if lives() or not (queue.waiting() or queue.watched()):
        return False
    try:
        home().mkdir(parents=True, exist_ok=True)
        with (home() / "keeper.log").open("wb") as log:
            env = {**os.environ, **packages_found(), **home_found()}
            process = launch("planner.run.keeper", cwd=home(), env=env, log=log)
    except OSError as error:
        raise ProblemError(
            Problem(
                "queue.no_keeper",
                f"What starts queued runs could not be started itself: {error.strerror or error}.",
                "Check that the program's folder can be written and that memory is free.",
            )
        ) from None
    threading.Thread(target=process.wait, name="keeper-end", daemon=True).start()  # it leaves no zombie
    return True


def main() -> int:
    """Look until nothing is left to wait for. 0: done, or another keeper lives; 1: the queue cannot be read."""
    home().mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(lock_file(), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not try_lock(file):
                return 0
            _keep()
        finally:
            os.close(file)
        try:
            if not (queue.waiting() or queue.watched()):  # one that came between the last look and here finds no other
                return 0
        except ProblemError:
            return 1


def _keep() -> None:
    keeper, wait = Keeper(), threading.Event()
    while True:
        try:
            if not keeper.look():
                return
        except ProblemError as error:  # a disk that is full, a file in use: it may pass
            keeper.say_problem(str(error))
            if error.problem.code == "queue.damaged" and not _own_run_goes_on():
                return  # it does not pass by itself; whoever opens the window or asks for the queue is told
        except Exception:  # a fault of ours at one run: nobody would start the others
            keeper.say_problem(traceback.format_exc())
        wait.wait(LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
