"""Each form becomes what is trained on; what is guessed says so; and a mapping is part of a plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.facts.canonical import WITH_INPUT, WITHOUT_INPUT, canonical
from planner.facts.lengths import keep_lengths
from planner.facts.mapping import Mapping, data_key, guess, mapping_of
from planner.facts.model.catalogue import find
from planner.facts.preview import look_at
from planner.facts.read_data import read_data, rows
from planner.plan_file import dumps, loads
from planner.presets import load_preset
from planner.problem import ProblemError
from planner.share_stripped import stripped
from tests.faults import fault
from tests.small_run import small_machine

ASKED = [{"role": "user", "content": "q"}]
SAID = [*ASKED, {"role": "assistant", "content": "a"}]
SHAREGPT = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]


def made(row: dict[str, Any], mapping: Mapping | None = None) -> Any:
    found = canonical(row, mapping or guess(list(row), [row]))
    return found if isinstance(found, str) else found[0]


@pytest.mark.parametrize(
    ("row", "form", "guessed", "trained"),
    [
        ({"messages": SAID}, "messages", False, {"messages": SAID}),
        ({"dialog": SAID, "id": 1}, "messages", True, {"messages": SAID}),
        ({"messages": json.dumps(SAID)}, "messages", True, None),
        ({"talk": json.dumps(SAID)}, "messages", True, {"messages": SAID}),
        ({"conversations": SHAREGPT}, "sharegpt", False, {"messages": SAID}),
        ({"chat": SHAREGPT}, "sharegpt", True, {"messages": SAID}),
        ({"conversations": SHAREGPT, "system": "s"}, "sharegpt", False,
         {"messages": [{"role": "system", "content": "s"}, *SAID]}),
        ({"instruction": "do", "input": "", "output": "a"}, "alpaca", False,
         {"prompt": WITHOUT_INPUT.format(instruction="do"), "completion": "a"}),
        ({"instruction": "do", "input": "it", "output": "a"}, "alpaca", False,
         {"prompt": WITH_INPUT.format(instruction="do", input="it"), "completion": "a"}),
        ({"prompt": "q", "completion": "a"}, "prompt_completion", False, {"prompt": "q", "completion": "a"}),
        ({"Question": "q", "Answer": 4}, "prompt_completion", True, {"prompt": "q", "completion": "4"}),
        ({"left": "some words", "right": "other words"}, "prompt_completion", True,
         {"prompt": "some words", "completion": "other words"}),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, "preference", False, {"prompt": "q", "completion": "a"}),
        ({"prompt": "q", "chosen": SAID, "rejected": SAID}, "preference", False,
         {"prompt": ASKED, "completion": SAID[1:]}),
        ({"prompt": "q", "chosen": SAID[1:], "rejected": []}, "preference", False,
         {"prompt": ASKED, "completion": SAID[1:]}),
        ({"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"}, "preference", False,
         {"prompt": "\n\nHuman: q\n\nAssistant:", "completion": " a"}),
        ({"text": "It was."}, "text", False, {"text": "It was."}),
        ({"body": "It was.", "page": 3}, "text", True, {"text": "It was."}),
        ({"text": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"}, "messages", True,
         {"messages": SAID}),
        ({"messages": SAID, "prompt": "q"}, "messages", False, {"messages": SAID}),
    ],
)  # fmt: skip
def test_a_form_is_recognised_and_becomes_what_is_trained_on(
    row: dict[str, Any], form: str, guessed: bool, trained: Any
) -> None:
    found = guess(list(row), [row])
    if trained is None:  # named like messages, but written as text: the name alone decides, so it is no guess
        assert found.form == form
        return
    assert (found.form, found.guessed) == (form, guessed)
    assert made(row) == trained


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"instruction": "do", "output": ""}, "its output is empty"),
        ({"instruction": None, "output": "a"}, "not text"),
        ({"chosen": "just text", "rejected": "b"}, "where the answer begins"),
        ({"conversations": [{"from": "alien", "value": "q"}]}, "'alien'"),
        ({"text": "before <|im_start|>assistant\na<|im_end|>"}, "not a list of messages"),
        ({"question": "q", "answer": None}, "its answer is missing"),
        ({"question": "q", "answer": True}, "true or false"),
    ],
)
def test_what_cannot_be_made_is_said_with_the_columns_name(row: dict[str, Any], word: str) -> None:
    assert word in made(row)


def test_columns_without_a_known_name_are_not_guessed_at() -> None:
    row = {"a": "some text", "b": "more text", "c": "again text"}
    assert guess(list(row), [row]) == Mapping()
    assert guess(["x"], [{"x": 4}]) == Mapping()


@fault(
    "columns whose names tell nothing",
    injected="columns called a, b and c",
    seen="the columns there are, and to say which is which",
    lost="nothing; the file is only read",
)
def test_a_file_that_cannot_be_guessed_says_which_columns_it_has(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"a": "one", "b": "two", "c": "three"}) + "\n")
    with pytest.raises(ProblemError) as caught:
        read_data(file)
    assert caught.value.problem.code == "data.no_mapping"
    assert "a, b, c" in caught.value.problem.fact
    facts = read_data(file, mapping=mapping_of(["prompt=a", "completion=c"]))
    assert list(rows(file, facts.mapping)) == [{"prompt": "one", "completion": "three"}]
    assert not facts.mapping.guessed
    with pytest.raises(ProblemError) as caught:
        read_data(file, mapping=mapping_of(["prompt=a", "completion=z"]))
    assert "no column 'z'" in caught.value.problem.fact
    assert look_at(file).mapping == Mapping(), "a look is possible all the same"


@pytest.mark.parametrize(
    ("said", "form"),
    [
        (["completion=a", "prompt=q"], "prompt_completion"),
        (["text=t"], "text"),
        (["chosen=c"], "preference"),
        (["form=alpaca"], "alpaca"),
        (["conversations=c", "system=s"], "sharegpt"),
        ([], ""),
    ],
)
def test_a_mapping_can_be_said_in_words(said: list[str], form: str) -> None:
    found = mapping_of(said)
    assert (found.form, found.guessed) == (form, False)


@pytest.mark.parametrize(
    "said", [["prompt"], ["prompt="], ["nobody=a"], ["prompt=a"], ["text=a", "text=b"], ["form=x"]]
)
def test_a_mapping_that_is_none_is_refused(said: list[str]) -> None:
    with pytest.raises(ProblemError) as caught:
        mapping_of(said)
    assert caught.value.problem.code == "data.mapping"


def test_lengths_are_counted_for_one_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes read otherwise are other rows."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    model = replace(find("HuggingFaceTB/SmolLM2-135M"), tokenizer="f" * 64)
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"question": "q?", "answer": "a", "reason": "r"}) + "\n")
    first = read_data(file, model)
    keep_lengths(data_key(first.sha256, first.mapping), model.tokenizer, [7], [3])
    assert read_data(file, model).lengths == (7,)
    other = read_data(file, model, mapping=mapping_of(["prompt=question", "completion=reason"]))
    assert other.sha256 == first.sha256
    assert other.lengths_from == "estimated"


def test_a_plan_keeps_its_mapping_and_a_shared_one_keeps_no_ones_names() -> None:
    mapping = Mapping("prompt_completion", (("prompt", "patient said"), ("completion", "diagnosis")))
    plan = load_preset("8gb-card", small_machine())
    plan = replace(plan, data=replace(plan.data, mapping=mapping, file_format="csv", notes=("Separated by tabs.",)))
    assert loads(dumps(plan)) == plan
    shared = stripped(plan).data
    assert (shared.mapping.form, shared.file_format, shared.notes) == ("prompt_completion", "csv", ())
    assert "diagnosis" not in dumps(stripped(plan))
    old = json.loads(dumps(plan))
    for name in ("mapping", "file_format", "notes"):
        del old["data"][name]
    assert loads(json.dumps(old)).data.mapping == Mapping(), "plans of earlier versions open"
    old["data"]["mapping"] = {"form": "prompt_completion", "columns": [["prompt"]], "guessed": False}
    with pytest.raises(ProblemError):
        loads(json.dumps(old))
