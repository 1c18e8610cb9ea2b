"""A shared text opens to the same figures, wherever it was pasted, and says nothing of the one who shared it."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import zlib
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import share
from planner.calibration.correction import CONTEXT, PROOF, Correction
from planner.calibration.fingerprint import device_name, fingerprint
from planner.estimate import estimate, heaviest_batch
from planner.facts.data import DataFacts
from planner.facts.gpus import other_machine
from planner.facts.machine import Device, Holder, MachineFacts
from planner.facts.model import catalogue
from planner.key_shapes import KNOWN_KEY
from planner.plan import Plan
from planner.presets import default_plan, sample_data
from planner.problem import ProblemError
from planner.share_rows import REORDERED, from_counts
from planner.share_stripped import plain_name, stripped
from planner.strict_json import DamagedError
from planner.units import GIB

HERS = "zanzibar"  # in every free text of the private plan below


def private_plan(kind: str = "cpu") -> Plan:
    """A plan of this computer, whose every free text names somebody."""
    model = replace(
        catalogue.find("HuggingFaceTB/SmolLM2-135M"),
        name=f"/home/{HERS}/models/tuned",
        source="folder",
        path=f"/home/{HERS}/models/tuned",
        provenance=f"read from /home/{HERS}/models/tuned",
    )
    data = DataFacts(
        f"{HERS}.jsonl",
        f"/home/{HERS}/{HERS}.jsonl",
        "messages",
        40,
        9000,
        hashlib.sha256(HERS.encode()).hexdigest(),
        tuple(range(30, 70)),
        "counted",
        model.tokenizer,
        f"Where does {HERS} live? Überall.",
    )
    holders = (Holder(f"{HERS}-chat", GIB), Holder("browser", 2 * GIB))
    cpu = Device("cpu", "cpu", "A processor", 16 * GIB, 12 * GIB, holders)
    card = Device("cuda:0", "cuda", "NVIDIA GeForce RTX 4090", 24 * GIB, 20 * GIB, holders)
    devices = (cpu,) if kind == "cpu" else (card, cpu)
    machine = MachineFacts(
        f"{HERS}s-laptop", f"Linux-6.1-{HERS}", "A processor", 4, 16 * GIB, 12 * GIB, 0, 90 * GIB, devices, holders,
        (f"/home/{HERS}/.cache could not be read",),
    )  # fmt: skip
    plan = replace(default_plan(model, data, machine), name=f"for {HERS}")
    runs = (f"{HERS}-1", f"{HERS}-2")
    word = fingerprint(plan, (heaviest_batch(plan),))
    learned = (
        Correction(CONTEXT, device_name(devices[0]), 7_000_000, 6_000_000, 9_000_000, runs),
        Correction(PROOF, device_name(devices[0]), 3 * GIB, 3 * GIB, 3 * GIB, runs[:1], word),
        Correction(PROOF, device_name(devices[0]), GIB, GIB, GIB, runs[1:], "0" * 16),
    )
    return replace(plan, machine=replace(machine, corrections=learned))


def unpacked(text: str) -> str:
    letters = text.replace("\n", "").rsplit(":", 1)[1]
    return zlib.decompress(base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))).decode()


def packed(value: Any) -> str:
    """A well-formed text with any content, as a stranger could make it."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    letters = base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")
    return f"plimsoll-plan:1:{len(letters)}:{hashlib.sha256(letters.encode()).hexdigest()[:12]}:{letters}"


def figures(plan: Plan) -> Any:
    now = estimate(plan)
    return now.verdict, now.certain, [(t.low_bytes, t.peak_bytes, t.high_bytes, t.budget_bytes) for t in now.tiers]


@cache
def on_a_card() -> Plan:
    model = catalogue.find("Qwen/Qwen2.5-7B")
    return default_plan(model, sample_data(model), other_machine("NVIDIA GeForce RTX 3060"))


def with_rows(plan: Plan, lengths: tuple[int, ...], **schedule: Any) -> Plan:
    data = replace(plan.data, lengths=lengths, rows=len(lengths), prompt_lengths=(), sha256=str(hash(lengths)))
    return replace(plan, data=data).with_schedule(replace(plan.stage.schedule, **schedule))


def many_rows(n: int) -> tuple[int, ...]:
    draw = random.Random(n)
    return tuple(max(5, int(draw.lognormvariate(5.3, 0.7))) for _ in range(n))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=60),
    st.sampled_from([1, 3, 4, 16]),
    st.sampled_from([64, 512, 4096]),
    st.booleans(),
    st.sampled_from(["here", "card"]),
)
def test_a_text_opens_to_the_same_figures(
    lengths: list[int], micro_batch: int, max_length: int, shuffle: bool, where: str
) -> None:
    plan = private_plan() if where == "here" else on_a_card()
    plan = with_rows(plan, tuple(lengths), micro_batch=micro_batch, max_length=max_length, shuffle=shuffle)
    opened = share.from_text(share.as_text(plan))
    assert figures(opened) == figures(plan)
    assert opened.stages == plan.stages
    assert opened.data.lengths == plan.data.lengths
    assert share.from_text(share.as_text(opened)) == opened


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_nothing_of_whose_plan_it_is_leaves(kind: str) -> None:
    plan = private_plan(kind)
    text = share.as_text(plan)
    assert HERS in repr(plan)
    assert HERS not in unpacked(text)
    assert plan.data.sha256 not in unpacked(text)
    assert not [s for s in texts_of(share.from_text(text)) if HERS in s or "/" in s or "\\" in s]
    assert figures(share.from_text(text)) == figures(plan)


def texts_of(value: Any) -> list[str]:
    """Every text in a plan."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (tuple, list)):
        return [s for v in value for s in texts_of(v)]
    if is_dataclass(value):
        return [s for f in fields(value) for s in texts_of(getattr(value, f.name))]
    return []


def test_what_was_learned_and_proved_still_counts_but_other_proofs_stay_at_home() -> None:
    plan = private_plan()
    opened = share.from_text(share.as_text(plan))
    assert [c.term for c in opened.machine.corrections] == [CONTEXT, PROOF]
    assert [c.runs for c in opened.machine.corrections] == [("run 1", "run 2"), ("run 1",)]
    assert figures(opened) != figures(replace(plan, machine=replace(plan.machine, corrections=())))


def test_a_card_of_the_catalogue_stays_one_and_this_computer_becomes_another() -> None:
    assert share.from_text(share.as_text(on_a_card())).machine == on_a_card().machine
    opened = share.from_text(share.as_text(private_plan("cuda")))
    assert opened.machine.name == "a computer with NVIDIA GeForce RTX 4090 (shared)"
    assert opened.machine.notes


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("google/gemma-3-4b-it (text part)", "google/gemma-3-4b-it (text part)"),
        ("C:\\Users\\her\\model", "model"),
        ("/srv/her/model/", "model"),
        ("~/model", "model"),
        ("a/b/c", "c"),
    ],
)
def test_a_name_that_is_a_path_becomes_its_last_part(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_name_that_looks_like_a_key_is_not_shared() -> None:
    plan = replace(on_a_card(), model=replace(on_a_card().model, name="hf_abcdefghijklmnop"))
    with pytest.raises(ProblemError) as refused:
        share.as_text(plan)
    assert refused.value.problem.code == "share.looks_like_a_key"
    assert "hf_" not in str(refused.value)


def test_no_text_looks_like_a_key_by_chance() -> None:
    for n in range(60):
        assert not re.search(KNOWN_KEY, share.as_text(with_rows(on_a_card(), many_rows(40 + n))))


def test_twenty_thousand_rows_are_short_and_the_same_figures() -> None:
    plan = with_rows(on_a_card(), many_rows(20_000), micro_batch=4, max_length=1024)
    text = share.as_text(plan)
    opened = share.read(text)
    assert len(text) < 8_000
    assert opened.remarks == (REORDERED,)
    assert sorted(opened.plan.data.lengths) == sorted(plan.data.lengths)
    assert figures(opened.plan) == figures(plan)


def test_an_order_that_decides_is_kept_in_a_longer_text() -> None:
    """The longest row comes alone, in the last batch: hardly any other order leaves it there."""
    lengths = (*many_rows(6_000), 4_000)
    plan = with_rows(on_a_card(), lengths, micro_batch=4, max_length=4096, shuffle=False)
    text = share.as_text(plan)
    assert share.read(text).remarks == ()
    assert figures(share.from_text(text)) == figures(plan)


def test_rows_whose_answer_is_cut_away_stay_dropped() -> None:
    lengths = many_rows(6_000)
    data = replace(
        on_a_card().data,
        form="prompt_completion",
        rows=len(lengths),
        lengths=lengths,
        prompt_lengths=tuple(n * (i % 10) // 10 for i, n in enumerate(lengths)),
    )
    schedule = replace(on_a_card().stage.schedule, completion_only=True, max_length=256, micro_batch=3)
    plan = replace(on_a_card(), data=data).with_schedule(schedule)
    text = share.as_text(plan)
    assert len(text) < 8_000
    assert figures(share.from_text(text)) == figures(plan)


def test_few_rows_come_with_their_order_and_without_a_remark() -> None:
    assert share.read(share.as_text(on_a_card())).remarks == ()


def quoted(text: str) -> str:
    return "Look at this:\n\n" + "\n".join(f"> {line}" for line in text.split("\n")) + "\n\nDoes it fit for you?"


@pytest.mark.parametrize(
    "pasted",
    [
        quoted,
        lambda text: text.replace("\n", ""),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"see “{text}” thanks",
        lambda text: "```\n" + text + "\n```",
        lambda text: text[:60] + re.sub(r"(.{31})", "\\1\u200b\n", text[60:]),  # broken anywhere, by an invisible space
    ],
)
def test_it_is_found_in_a_message(pasted: Any) -> None:
    text = pasted(share.as_text(on_a_card()))
    assert share.holds_plan(text)
    assert figures(share.from_text(text)) == figures(on_a_card())


def code_of(text: str) -> str:
    with pytest.raises(ProblemError) as refused:
        share.from_text(text)
    problem = refused.value.problem
    assert problem.fact
    assert problem.advice
    return problem.code


def test_what_is_no_shared_plan_says_so() -> None:
    assert not share.holds_plan("a plan? no")
    assert code_of("a plan? no") == "share.none"
    assert code_of("") == "share.none"


def test_a_newer_version_is_refused_by_name() -> None:
    assert code_of(share.as_text(on_a_card()).replace("plan:1:", "plan:2:")) == "share.newer"


@settings(max_examples=60, deadline=None)
@given(st.integers(60, 1500), st.sampled_from("Aa0_-z"))
def test_one_wrong_letter_is_damage_and_never_another_plan(at: int, letter: str) -> None:
    text = share.as_text(on_a_card())
    if text[at] in ("\n", letter):
        return
    assert code_of(text[:at] + letter + text[at + 1 :]) == "share.damaged"


def test_a_text_that_is_not_what_its_check_was_made_of_is_damage() -> None:
    text = share.as_text(on_a_card())
    assert code_of(text.replace(text.split(":")[3], "0" * 12)) == "share.damaged"


def test_a_cut_text_says_how_much_is_missing() -> None:
    with pytest.raises(ProblemError, match="are missing"):
        share.from_text(share.as_text(on_a_card())[:500])


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(ProblemError, match="larger than a plan may be"):
        share.from_text(packed(b" " * (share.LARGEST_BYTES + 1)))
    assert code_of("plimsoll-plan:1:999999999:000000000000:AAAA") == "share.damaged"


@pytest.mark.parametrize(
    "value",
    [b"\xff\xfe", b"not json", [], {}, {"plan": {}}, {"plan": None, "more": 1}, b"[" * 100_000, b'{"plan": NaN}'],
)
def test_a_strangers_content_is_damage_in_words(value: Any) -> None:
    assert code_of(packed(value)) == "share.damaged"


def test_a_path_in_a_strangers_text_is_never_followed() -> None:
    value = json.loads(unpacked(share.as_text(on_a_card())))
    value["plan"]["data"]["path"] = value["plan"]["model"]["path"] = "/etc/passwd"
    opened = share.from_text(packed(value))
    assert (opened.data.path, opened.model.path) == ("", "")
    assert opened == stripped(opened)


odd_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]), st.just({}), st.just([{}])
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_a_stranger_puts_in_a_field_is_a_plan_or_a_problem(data: st.DataObject) -> None:
    value = json.loads(unpacked(share.as_text(on_a_card())))
    at = value["plan"]
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], (dict, list)) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(odd_values)
    try:
        opened = share.from_text(packed(value))
    except ProblemError:
        return
    estimate(opened)
    share.as_text(opened)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": [2**40]},
        {"rows": [3]},
        {"rows": [-1, 5]},
        {"lengths": [1, 2]},
        {"dropped": [7]},
        {"order": "first"},
        {"more": 1},
    ],
)
def test_counts_that_are_not_of_the_rows_are_damage(wrong: dict[str, Any]) -> None:
    data = replace(on_a_card().data, rows=4, lengths=(), prompt_lengths=())
    right = {"lengths": [9], "rows": [4], "dropped": [], "order": 0, "prompts": False}
    assert from_counts(data, right).lengths == (9, 9, 9, 9)
    with pytest.raises(DamagedError):
        from_counts(data, right | wrong)
