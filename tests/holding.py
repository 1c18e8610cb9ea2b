"""A real process to be watched: it holds as much as it is told, line by line on its input, and says when it is done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SCRIPT = """
import sys
held = b""
print("ready", flush=True)
for line in sys.stdin:
    held = b""
    held = bytearray(b"x") * (int(line) << 20)
    print("holds", flush=True)
"""


class Holder:
    """`hold` returns when the process holds so much; `end` when it is gone."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    @property
    def pid(self) -> int:
        return self.process.pid

    def hold(self, mib: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{mib}\n")
        self.process.stdin.flush()
        self._answer()

    def _answer(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline()

    def end(self) -> None:
        """Over, and its number given back."""
        if self.process.returncode is not None:
            return
        self.finish()
        self.process.wait(timeout=10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def finish(self) -> None:
        """Over; nobody has asked how it ended yet."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.stdout.read()  # to its end, which comes with the process's


@contextmanager
def holding(*arguments: str) -> Iterator[Holder]:
    found = Holder(*arguments)
    try:
        yield found
    finally:
        found.end()
