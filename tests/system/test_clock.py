"""The clock is set while a run goes on: a real worker whose time jumps, by a library that answers for the system's clock."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from app.cli.exits import Exit
from app.cli.follow import follow
from planner.run import layout, lock
from planner.run.events import Finished
from planner.run.journal import last_word, read_all, steps
from planner.run.lock import State
from planner.run.start import environment
from tests.faults import fault
from tests.small_run import log_tail, small_plan, write_run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
JUMPS = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
/* time of day jumps by three hours to and fro, every 64 questions; all other clocks go as ever */
int clock_gettime(clockid_t which, struct timespec *t) {
    static unsigned asked;
    int told = syscall(SYS_clock_gettime, which, t);
    if (which == CLOCK_REALTIME && (++asked / 64) % 2) t->tv_sec -= 10800;
    return told;
}
"""


@fault(
    "The clock is set back and forth during a run",
    injected="A library loaded into a real worker answers for the system's clock and jumps by three hours",
    seen="Nothing: speed and time left go by a clock that cannot be set, the last word by its place in the journal",
    lost="Nothing",
)
@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")
def test_a_clock_that_is_set_in_mid_run_spoils_neither_speed_nor_the_last_word(
    tiny_model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here")
    (tmp_path / "jumps.c").write_text(JUMPS)
    library = tmp_path / "jumps.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(tmp_path / "jumps.c")], check=True)
    run_dir = tmp_path / "run"
    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 24), max_steps=40, save_steps=100)
    write_run(run_dir, plan, sample_prompt="")
    command = [sys.executable, "-P", "-m", "backends.worker", str(run_dir)]
    with (run_dir / layout.LOG).open("wb") as log:
        env = {**environment(run_dir), "LD_PRELOAD": str(library)}
        subprocess.run(command, env=env, cwd=run_dir, stdout=log, stderr=log, check=True)
    events = read_all(run_dir).events
    times = [e.time for e in events]
    assert any(b < a - 10_000 for a, b in pairwise(times)), "the clock never went back"
    assert isinstance(last_word(events), Finished), log_tail(run_dir)
    assert lock.state(run_dir) is State.FINISHED
    assert [s.step for s in steps(events)] == list(range(1, 41))
    assert all(0 < s.tokens_per_s < 1e7 for s in steps(events))
    assert follow(run_dir, 0, as_json=False) is Exit.OK
    assert "done after step 40" in capsys.readouterr().out
    from app.pages.run.state import RunRecord

    record = RunRecord()
    for event in events:
        record.feed(event)
    assert record.step == 40
