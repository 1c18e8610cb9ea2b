"""A run that looks after itself: proved first, changed as little as it takes when memory runs out, told in three sentences.

What was tried lies in the run's folder (`overnight.json`), so a keeper that was ended, or a computer that was restarted,
changes nothing of it. Here it is decided what comes next; `planner.run.keeper` does it.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from planner import plan_file, strict_json
from planner.atomic_file import write_atomically
from planner.estimate import estimate
from planner.facts.order import total_steps
from planner.facts.split import n_trained_on
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.run import checkpoints, folders, journal, layout, lock, results, small_file
from planner.run.build import run_spec
from planner.run.events import Failed, Finished, Step
from planner.run.retry import Retry, apply_retry, retry_of, smallest
from planner.run.shortage import CODE, ended_by_kill, ended_for_memory, shortage_of
from planner.slots import Slot
from planner.strict_json import DamagedError
from planner.techniques.registry import technique
from planner.units import words

MOST_CHANGES = 3
MOST_RESUMES = 1
MOST_PROOFS_CUT_OFF = 2
MAY_PASS = ("worker.error",)
"""What failed may go well the second time; a full disk, a file that is gone or a broken row would not."""


@dataclass(frozen=True)
class Story:
    """began: seconds, epoch. proof: the folder of the proof that goes on, empty for none. proved: what came of it, in
    words, empty while nothing has. changes: what was changed, in words. resumes: how often it went on after a crash."""

    began: float = 0.0
    proof: str = ""
    proved: str = ""
    proofs_cut_off: int = 0
    changes: tuple[str, ...] = ()
    resumes: int = 0


def read(run_dir: Path, asked: float = 0.0) -> Story:
    """What was tried so far; a new story where nothing can be read. asked: when it was left to itself, where known."""
    try:
        text = small_file.text_of(run_dir / layout.OVERNIGHT)
        found: Story = strict_json.record(Story, strict_json.parse(text), "overnight")
    except (OSError, ValueError, DamagedError):
        return Story(began=asked)
    return found


def forget(run_dir: Path) -> None:
    """A run is left to itself anew: what was tried in another night is no part of this one's story."""
    for name in (layout.OVERNIGHT, layout.TOLD):
        with contextlib.suppress(OSError):
            (run_dir / name).unlink()


def write(run_dir: Path, story: Story) -> None:
    """Raises ProblemError `file.not_written`."""
    write_atomically(run_dir / layout.OVERNIGHT, strict_json.render(asdict(story)))


def told(run_dir: Path) -> tuple[str, ...]:
    """The three sentences of a run that looked after itself; empty while it is not over, and for any other run."""
    try:
        raw = strict_json.parse(small_file.text_of(run_dir / layout.TOLD))
        found = strict_json.sequence(strict_json.mapping(raw, "told").get("sentences"), "sentences")
        return tuple(strict_json.typed(str, s, "sentence") for s in found)
    except (OSError, ValueError, DamagedError):
        return ()


# --- the proof before it ---


def needs_proof(run_dir: Path, story: Story) -> bool:
    """Whether two steps on the longest rows come first: not where steps were made already."""
    return not story.proved and not checkpoints.latest_step(run_dir)


def new_proof(run_dir: Path) -> Path:
    """The folder of a proof of the run's plan, to be started. Raises ProblemError."""
    plan = plan_file.load_spec(run_dir / layout.SPEC).plan
    folder = folders.new_work_dir("prove")
    plan_file.save_spec(run_spec(plan, estimate(plan), folder, job="prove"), folder / layout.SPEC)
    return folder


def after_proof(run_dir: Path, story: Story) -> Story:
    """What the proof that has ended means: the run may start, was changed and is to be proved again, or nothing helps.

    Raises ProblemError `overnight.nothing_helps`, and those of files.
    """
    folder = Path(story.proof)
    story = replace(story, proof="")
    word = journal.last_word(journal.tail(folder))
    if isinstance(word, Finished) and (folder / results.PROOF).is_file():
        peak = results.load(results.Proof, folder / results.PROOF).peak_bytes
        return replace(story, proved=f"two steps on the longest rows took {words(peak)}")
    short = shortage_of(folder)
    if short is not None:
        plan = plan_file.load_spec(run_dir / layout.SPEC).plan
        return _changed(run_dir, story, smallest(plan, short), "two steps on the longest rows did not fit")
    if word is None and story.proofs_cut_off < MOST_PROOFS_CUT_OFF:  # the computer was restarted, or it was ended
        return replace(story, proofs_cut_off=story.proofs_cut_off + 1)
    why = word.problem.fact if isinstance(word, Failed) else "it was stopped"
    return replace(story, proved=f"nothing could be proved before ({_clause(why)})")


# --- when it has ended ---


def after_end(run_dir: Path, story: Story) -> Story | None:
    """How an overnight run that has ended goes on: the story with one line more, or None where it is over.

    Raises ProblemError where a file cannot be written or read.
    """
    word = journal.last_word(journal.tail(run_dir))
    if isinstance(word, Finished):
        return None
    ran_out = (isinstance(word, Failed) and word.problem.code == CODE) or (word is None and ended_for_memory(run_dir))
    killed = word is None and ended_by_kill(run_dir)
    may_pass = not ran_out and (word is None or word.problem.code in MAY_PASS)
    if may_pass and story.resumes < MOST_RESUMES:
        return replace(story, resumes=story.resumes + 1)
    if ran_out or killed:
        return _changed_or_over(run_dir, story)
    return None


def _changed_or_over(run_dir: Path, story: Story) -> Story | None:
    if len(story.changes) >= MOST_CHANGES:
        return None
    found = retry_of(run_dir)
    if isinstance(found, Problem):
        return None
    step = found.short.step
    return _changed(run_dir, story, found, f"memory ran out after step {step}" if step else "memory ran out")


def _changed(run_dir: Path, story: Story, found: Retry | Problem, why: str) -> Story:
    if isinstance(found, Problem):
        raise ProblemError(found)
    if len(story.changes) >= MOST_CHANGES:
        raise ProblemError(
            Problem(
                "overnight.nothing_helps",
                f"Its settings were changed {MOST_CHANGES} times, and it still does not fit.",
                "Free memory, or plan it anew with a smaller model.",
            )
        )
    apply_retry(run_dir, found)
    then = f"from step {found.from_step} on" if found.from_step else "from the beginning"
    return replace(story, changes=(*story.changes, f"{why}, so it went {then} with {found.words or found.title}"))


# --- the three sentences ---


def tell(run_dir: Path, story: Story, problem: Problem | None = None) -> tuple[str, ...]:
    """What was asked, what happened and what came of it, written into the run's folder. problem: what ended it, where the
    journal does not say. Raises ProblemError `file.not_written`."""
    sentences = (_asked(run_dir, story), _happened(story), _came_of_it(run_dir, problem))
    raw = {"time": time.time(), "sentences": list(sentences)}
    write_atomically(run_dir / layout.TOLD, json.dumps(raw, ensure_ascii=False).encode())
    return sentences


def _asked(run_dir: Path, story: Story) -> str:
    when = f"At {_clock(story.began)} you" if story.began else "You"
    try:
        plan: Plan = plan_file.load_spec(_asked_for(run_dir, story)).plan
    except ProblemError:
        return f"{when} left this run to itself."
    chosen = plan.stage.choice(Slot.TRAINABLE)
    how = technique(chosen.slot, chosen.technique).label if chosen else "training"
    schedule = plan.stage.schedule
    steps = total_steps(n_trained_on(plan.data.rows, schedule), schedule)
    return f"{when} asked for {steps:,} steps of {how} on {plan.model.name} with {plan.data.name}."


def _asked_for(run_dir: Path, story: Story) -> Path:
    """The spec as it was before this night's first change."""
    first = layout.changes(run_dir) - len(story.changes) + 1
    kept = layout.kept_spec(run_dir, first)
    return kept if story.changes and first > 0 and kept.is_file() else run_dir / layout.SPEC


def _clock(when: float) -> str:
    try:
        return time.strftime("%H:%M", time.localtime(when))
    except (OverflowError, OSError, ValueError):  # no date can be made of it
        return "an unknown time"


def _happened(story: Story) -> str:
    again = f"it broke off {story.resumes} time{'s' if story.resumes != 1 else ''} and went on" if story.resumes else ""
    parts = [*filter(None, [story.proved]), *story.changes, *filter(None, [again])]
    if not parts:
        return "Nothing had to be changed."
    text = "; ".join(parts)
    if not story.changes and not story.resumes:
        text += ", and nothing had to be changed"
    return f"{text[0].upper()}{text[1:]}."


def _came_of_it(run_dir: Path, problem: Problem | None) -> str:
    events = journal.tail(run_dir)
    word = journal.last_word(events)
    steps = [e for e in events if isinstance(e, Step)]
    loss = f" with a loss of {steps[-1].loss:.4f}" if steps else ""
    if isinstance(word, Finished):
        took = _took(word)
        where = f" the result lies in {word.adapter}" if word.adapter else " it kept a checkpoint and no result"
        ended = {"done": "finished", "stopped": "was stopped and saved", "released": "was released"}
        return f"It {ended.get(word.outcome, word.outcome)} after step {word.step}{loss};{took}{where}."
    last = checkpoints.latest_step(run_dir)
    goes_on = f"it can go on from step {last}" if last else "nothing of it was saved"
    if problem is None and isinstance(word, Failed):
        problem = word.problem
    if problem is None and lock.state(run_dir) is lock.State.LOST:
        problem = lock.died(run_dir)
    why = f": {_clause(problem.fact)}" if problem else ""
    return f"It did not come to its end{why}; {goes_on}."


def _took(word: Finished) -> str:
    peak, said = word.measured.get("peak_bytes"), word.measured.get("predicted_bytes")
    if not isinstance(peak, int):
        return ""
    before = f" we said {words(said)} and" if isinstance(said, int) else ""
    return f"{before} it took {words(peak)};"


def _clause(fact: str) -> str:
    """Several sentences as one part of another."""
    return fact.rstrip(".").replace(". ", "; ")
