"""What the data drawer says: mappings made by clicks, rows as they become, findings by number, what a cut costs, tokens."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.pages.plan.data.batch import as_text, headline, lines, mark_of, refused
from app.pages.plan.data.cutting import as_rows, cut_words, price, prices, sentence, share_words, step_of
from app.pages.plan.data.far_row import with_row
from app.pages.plan.data.findings import DUPLICATE, FAULT, LEAK, fault_of_row, findings, summary
from app.pages.plan.data.headline import banner, title
from app.pages.plan.data.rows import CELL_LETTERS, becomes, cell_words, shown_rows
from app.pages.plan.data.rows import as_text as parts_as_text
from app.pages.plan.data.source import (
    FORM_WORDS,
    Source,
    change_words,
    complete,
    confirmed,
    guess_words,
    missing_words,
    roles_of,
    same_rows,
    with_form,
    with_role,
)
from app.pages.plan.edits import difference
from app.pages.plan.state import data_sentence
from app.shell.dropped import MODEL, PLAN, ROWS, what_it_is
from app.widgets.marks import Mark
from planner.estimate import estimate
from planner.facts.checks import Checks
from planner.facts.cut import cut
from planner.facts.mapping import FORMS, Mapping
from planner.facts.mapping import ROLES as FORM_ROLES
from planner.facts.preview import look_at
from planner.plan import Plan
from planner.plan_file import save_plan
from planner.problem import Problem
from planner.run.results import BatchRow, BatchToken, FirstBatch
from planner.units import words

MakePlan = Callable[..., Plan]
ASKED = Mapping("prompt_completion", (("prompt", "frage"), ("completion", "antwort")))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table whose columns have names that nothing is known of."""
    path = tmp_path / "odd.csv"
    with path.open("w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["nr", "frage", "antwort"])
        out.writerows([n, f"what is {n}", "" if n == 3 else f"it is {n}"] for n in range(1, 301))
    return path


# mapping by clicks


def test_every_form_has_words_and_can_be_clicked_together() -> None:
    assert set(FORM_WORDS) == set(FORMS)
    for form, roles in FORM_ROLES.items():
        mapping = with_form(Mapping(), form)
        assert not complete(mapping)
        for role in roles:
            mapping = with_role(mapping, role.name, f"my {role.name}")
        assert complete(mapping)
        assert mapping.columns == tuple((role.name, f"my {role.name}") for role in roles)


def test_a_step_is_named_by_what_was_done() -> None:
    empty = Mapping("prompt_completion")
    assert change_words(Mapping(), empty) == "read rows as Prompt and completion"
    assert change_words(empty, with_role(empty, "completion", "answer")) == "map completion → answer"
    assert change_words(ASKED, with_role(ASKED, "prompt", "")) == "map prompt → none"
    assert change_words(replace(ASKED, guessed=True), ASKED) == "confirm the mapping"
    assert change_words(ASKED, ASKED) == ""


def test_another_form_keeps_the_columns_that_it_has_a_place_for() -> None:
    assert with_form(ASKED, "preference").columns == (("prompt", "frage"),)
    assert with_form(ASKED, ASKED.form) is ASKED


def test_a_guess_is_flagged_until_a_person_has_looked() -> None:
    guess = replace(ASKED, guessed=True)
    assert "guessed" in guess_words(guess)
    assert "“frage”" in guess_words(guess)
    assert guess_words(confirmed(guess)) == ""
    assert not with_role(guess, "prompt", "nr").guessed
    assert with_role(guess, "prompt", "frage").guessed  # nothing was changed
    assert same_rows(Source("a", guess), Source("a", ASKED))
    assert not same_rows(Source("a", guess), Source("a", with_role(ASKED, "prompt", "nr")))


def test_what_is_still_to_be_clicked_is_said() -> None:
    assert "choose a form" in missing_words(Mapping())
    assert missing_words(with_role(ASKED, "completion", "")) == "Choose the column that holds the completion."
    assert missing_words(ASKED) == ""


def test_a_column_may_have_several_roles() -> None:
    both = with_role(ASKED, "completion", "frage")
    assert roles_of(both, "frage") == ("prompt", "completion")
    assert roles_of(both, "antwort") == ()


# rows


def test_a_row_is_shown_as_it_stands_and_as_it_becomes(table: Path) -> None:
    seen = look_at(table, ASKED)
    rows = shown_rows(seen)
    assert rows[0].cells == ("1", "what is 1", "it is 1")
    assert [(part.heading, part.text) for part in becomes(seen, 0)] == [
        ("prompt", "what is 1"),
        ("completion", "it is 1"),
    ]
    assert parts_as_text(becomes(seen, 0)) == "prompt:\nwhat is 1\n\ncompletion:\nit is 1"


def test_a_row_that_cannot_be_used_is_marked_with_its_number_and_its_reason(table: Path) -> None:
    seen = look_at(table, ASKED)
    faulty = [row for row in shown_rows(seen) if row.fault]
    assert len(faulty) == 1
    found = fault_of_row(seen.faults[0])
    assert (found.kind, found.row) == (FAULT, faulty[0].number)
    assert "empty" in becomes(seen, 2)[0].text


def test_conversations_become_a_part_for_each_message(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    file.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    assert [(p.heading, p.text) for p in becomes(look_at(file), 0)] == [("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize("value", ["x" * 10**6, "a\nb\tc" * 100, [{"role": "user"}] * 10**5, {"a": 1}, None, 3.5])
def test_a_cell_is_one_short_line_whatever_it_holds(value: object) -> None:
    shown = cell_words(value)
    assert len(shown) <= CELL_LETTERS
    assert "\n" not in shown


def test_a_row_far_on_in_the_file_is_put_behind_the_first_ones(table: Path) -> None:
    seen = look_at(table, ASKED)
    numbers = look_at(table, ASKED, most=10**6).numbers
    far = with_row(seen, ASKED, numbers[-1])
    assert far.numbers == (*seen.numbers, numbers[-1])
    assert shown_rows(far)[-1].cells == ("300", "what is 300", "it is 300")
    assert becomes(far, len(far.rows) - 1)[0].text == "what is 300"
    assert with_row(seen, ASKED, numbers[-1] + 1) is seen


# findings


def test_findings_are_listed_by_number_and_counted_in_words() -> None:
    faults = (Problem("data.row", "Line 1,017 of a.jsonl: it is not JSON.", "Mend the line."),)
    checks = Checks(900, ((9, 4),), 1, ((7, 3), (8, 3)), 2, 1, 2)
    listed = findings(faults, checks)
    assert [(f.kind, f.row, f.other) for f in listed] == [
        (FAULT, 1017, 0),
        (LEAK, 7, 3),
        (LEAK, 8, 3),
        (DUPLICATE, 9, 4),
    ]
    assert listed[0].words == "It is not JSON."
    said = " ".join(summary(checks, held_out=90))
    for words_of_it in ("900 rows", "1 row is the same", "2 rows are held out", "1 question has", "2 rows answer"):
        assert words_of_it in said


def test_what_was_looked_for_and_not_found_is_said_too() -> None:
    assert "No row stands there twice." in summary(Checks(10), held_out=0)
    assert "None of the 2 rows held out is trained on." in summary(Checks(10), held_out=2)
    assert not any("None of" in said for said in summary(Checks(10), held_out=0))


# the banner


class _Looked:
    def __init__(self, path: Path, mapping: Mapping, *, planned: bool = True, reading: bool = False) -> None:
        self.source, self.mapping = Source(str(path), mapping), mapping
        self.preview = look_at(path, mapping)
        self.trouble: Problem | None = None
        self.planned, self.reading = planned, reading
        self.known_faults = self.preview.faults if complete(mapping) else ()


def test_the_banner_says_the_first_thing_that_a_person_should_do(table: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("frage,antwort\na,b\n")
    unmapped = banner(_Looked(good, Mapping(), planned=False), "Sample")
    assert unmapped is not None
    assert "choose a form" in unmapped.text
    assert "keeps Sample" in unmapped.text
    faulty = banner(_Looked(table, ASKED, planned=False), "Sample")
    assert faulty is not None
    assert (faulty.tone, faulty.action) == ("bad", "again")
    assert "Row" in faulty.text
    assert "keeps Sample" in faulty.text
    guessed = banner(_Looked(good, replace(ASKED, guessed=True)), "good")
    assert guessed is not None
    assert (guessed.action, guessed.label) == ("confirm", "Confirm")
    assert banner(_Looked(good, ASKED), "good") is None
    unused = banner(_Looked(good, ASKED, planned=False), "Sample")
    assert unused is not None
    assert unused.action == "use"
    assert title(_Looked(good, ASKED, planned=False), None) == "good.csv · table of text (CSV) · 1 row"


# lengths


def test_the_sentence_of_a_cut_adds_up(make_plan: MakePlan) -> None:
    now = estimate(make_plan())
    found = prices(now)
    assert found is not None
    longest = max(now.plan.data.lengths)
    middle = price(now, longest // 2)
    assert middle.cut == cut(now.plan.data, replace(now.plan.stage.schedule, max_length=longest // 2))
    assert middle.need is not None
    assert found.uncut.need is not None
    assert middle.need < found.uncut.need
    assert found.uncut.cut.rows_cut == 0
    said = sentence(middle, found.uncut)
    assert f"saves {words(found.uncut.need - middle.need)}" in said
    assert f"{longest // 2:,} instead of {longest:,}" in said
    assert f"{share_words(middle.cut.rows_share)} of rows cut" in said
    assert "needs" in sentence(found.uncut, middle)
    assert cut_words(found.uncut.cut) == "no row is cut"


def test_the_table_has_the_plans_own_length_and_the_longest_row(make_plan: MakePlan) -> None:
    plan = make_plan()
    own = plan.with_schedule(replace(plan.stage.schedule, max_length=100))
    found = prices(estimate(own))
    assert found is not None
    rows = as_rows(found)
    assert sum("· now" in row[0] for row in rows) == 1
    assert [row[-1] for row in rows if "· now" in row[0]] == ["±0"]
    assert rows[-1][0].startswith(f"{max(plan.data.lengths):,}")
    assert prices(estimate(replace(plan, data=replace(plan.data, lengths=())))) is None


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "none"), (0.042, "4.2 %"), (0.0001, "under 0.1 %"), (1.0, "100.0 %")]
)
def test_a_share_is_said_in_words(share: float, said: str) -> None:
    assert share_words(share) == said


def test_the_line_moves_token_by_token_where_rows_are_short() -> None:
    assert (step_of(100), step_of(5000)) == (1, 8)


# the first batch


BATCH = FirstBatch(
    (
        BatchRow(
            12,
            (
                BatchToken("<|im_start|>", 1, in_loss=False),
                BatchToken("why", 2, in_loss=False),
                BatchToken(" so\n", 3, in_loss=True),
                BatchToken("<|im_end|>", 4, in_loss=True),
                BatchToken("<pad>", 0, in_loss=False, padding=True),
            ),
        ),
    ),
    5,
    512,
    cut=(12,),
)


def test_tokens_of_the_first_batch_are_marked_and_padding_is_only_counted() -> None:
    line = lines(BATCH)[0]
    assert (line.number, line.tokens, line.in_loss, line.padding, line.was_cut) == (12, 4, 2, 1, True)
    texts = [(text, mark) for text, mark, _ground in line.pieces]
    assert texts[:4] == [
        ("<|im_start|>", Mark.MASKED_SPECIAL),
        ("why", Mark.MASKED),
        (" so⏎\n", Mark.PLAIN),
        ("<|im_end|>", Mark.SPECIAL),
    ]
    assert texts[4][0].strip() == "+ 1 of padding"
    assert "<pad>" not in line.said
    assert headline(BATCH) == "1 row × 5 tokens: 2 count in the loss, 2 masked, 1 padding. 1 cut at 512."


def test_the_text_twin_puts_masked_runs_in_brackets() -> None:
    assert as_text(BATCH.rows[0]) == "[masked: <|im_start|>why] so\n<|im_end|>"
    assert mark_of(BatchToken("a < b", 1, in_loss=True)) is Mark.PLAIN


def test_why_there_can_be_no_first_batch_is_said(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert "model" in refused(replace(plan, model=replace(plan.model, path="")))
    here = replace(plan, model=replace(plan.model, path="/somewhere"))
    assert refused(here) == ""
    assert "rows" in refused(replace(here, data=replace(plan.data, path="")))


# a plan's words


def test_a_change_of_the_mapping_is_a_change_of_the_plan(make_plan: MakePlan) -> None:
    plan = make_plan()
    mapped = replace(plan, data=replace(plan.data, mapping=ASKED))
    other = replace(plan, data=replace(plan.data, mapping=with_role(ASKED, "completion", "nr")))
    assert difference(mapped, other) == "Data: map completion → nr"
    moved = replace(plan, data=replace(plan.data, path="/elsewhere/questions.jsonl"))
    assert "/elsewhere" in difference(plan, moved)
    assert difference(plan, plan) == ""


def test_the_form_says_that_columns_were_guessed(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert "guessed" not in data_sentence(plan)
    assert "columns guessed" in data_sentence(
        replace(plan, data=replace(plan.data, mapping=replace(ASKED, guessed=True)))
    )


# what is dropped


def test_what_is_dropped_is_told_by_what_is_in_it(tmp_path: Path, make_plan: MakePlan) -> None:
    plan = tmp_path / "a.json"
    save_plan(make_plan(), plan)
    several = tmp_path / "rows.json"
    several.write_text('[{"prompt": "a", "completion": "b"}]')
    by_line = tmp_path / "lines.json"
    by_line.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}\n')
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    model, rows = tmp_path / "model", tmp_path / "rows"
    for folder in (model, rows):
        folder.mkdir()
    (model / "config.json").write_text("{}")
    (rows / "train.csv").write_text("a,b\n1,2\n")
    assert [what_it_is(p) for p in (plan, several, by_line, broken)] == [PLAN, ROWS, ROWS, PLAN]
    assert [what_it_is(p) for p in (model, rows)] == [MODEL, ROWS]
