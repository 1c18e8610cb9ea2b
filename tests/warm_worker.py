"""Workers that start from a process in which torch and its libraries are imported already: a start costs 0.1 s, not six.

`planner.run.start` still starts them and learns their end, and `backends.worker` does the same work in a session, with
files and with an environment of its own; only the interpreter is a fork instead of a new one. So a test must not use
them when its claim is about starting itself, about memory, or about workers of two interpreters giving the same bytes.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from planner.run import layout
from planner.run import start as starter

READY, LONGEST_START_S = "ready", 120.0
IMPORTED = (
    "backends.worker",
    "backends.sample",
    "backends.states",
    "backends.trainers.fine_tune",
    "transformers.trainer",
)
IMPORTED_JOBS = ("train", "scan", "convert")


class Forked:
    """What `start` asks of a process: its pid, whether it has ended, and how."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self) -> int:
        self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class WarmStart:
    """The process to fork from, and what it says of its children. It is started with the first worker."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._asking = threading.Lock()
        self._answered = threading.Event()
        self._latest: Forked | None = None

    @contextmanager
    def used(self) -> Iterator[None]:
        """Until its end, workers of this process are forked. Where a system cannot fork they are started as ever."""
        with pytest.MonkeyPatch.context() as patch:
            if hasattr(os, "fork"):
                patch.setattr(starter, "_launch", self.launch)
            yield

    def launch(self, run_dir: Path) -> Forked:
        with self._asking:
            if self._server is None:
                self._start_server(run_dir)
            assert self._server is not None
            assert self._server.stdin is not None
            self._answered.clear()
            self._server.stdin.write(json.dumps([str(run_dir), starter.environment(run_dir)]) + "\n")
            self._server.stdin.flush()
            assert self._answered.wait(LONGEST_START_S), "the process to fork from does not answer"
            assert self._latest is not None
            return self._latest

    def close(self) -> None:
        if self._server is not None and self._listener is not None:
            self._server.communicate()
            self._listener.join()

    def _start_server(self, run_dir: Path) -> None:
        command = [sys.executable, "-P", "-m", __name__]
        env = starter.environment(run_dir)
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._server is not None
        assert self._server.stdout is not None
        forked: dict[int, Forked] = {}
        for line in self._server.stdout:
            pid, code = json.loads(line)
            if code is None:
                forked[pid] = self._latest = Forked(pid)
                self._answered.set()
            else:
                forked.pop(pid).end(code)


def serve() -> None:
    """Read [RUNDIR, environment] per line and fork a worker for each; write [pid, null], and [pid, exit code] later."""
    for name in (*IMPORTED, *(f"backends.jobs.{job}" for job in IMPORTED_JOBS)):
        importlib.import_module(name)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            for pid, code in _ended():
                _say(pid, code)
        if 0 in ready:
            line = sys.stdin.buffer.raw.readline()  # type: ignore[attr-defined]
            if not line:
                os._exit(0)  # nothing here is worth an interpreter's tidy end
            run_dir, env = json.loads(line)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                os.close(woken)
                os.close(wake)
                _be_the_worker(Path(run_dir), env)
            _say(pid, None)


def _say(pid: int, code: int | None) -> None:
    os.write(1, f"{json.dumps([pid, code])}\n".encode())


def _ended() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _be_the_worker(run_dir: Path, env: dict[str, str]) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.chdir(run_dir)
        os.environ.clear()
        os.environ.update(env)
        log = os.open(run_dir / layout.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for mine, its in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(mine, its)
        import datasets

        datasets.config.HF_DATASETS_CACHE = Path(env["HF_DATASETS_CACHE"])  # read once, when it is imported
        from backends import worker

        code = worker.main([str(run_dir)])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
