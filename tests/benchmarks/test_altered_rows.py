"""Whatever a row of this schema says, it gets an interval or a sentence: a file that nobody here has seen crashes nothing."""

from __future__ import annotations

import pytest

from benchmarks.truth.answer import Predicted, Refused
from benchmarks.truth.draft_of import drafted, predict
from benchmarks.truth.inference_of import writing
from benchmarks.truth.loop_of import rare_length
from benchmarks.truth.row import Row
from benchmarks.truth.rows import read_row
from planner.facts.model.catalogue import find
from tests.benchmarks.altered_rows import altered, published_rows
from tests.benchmarks.one_row import raw_row

COUNT = 2500
CHUNKS = 5


def weight_bytes(row: Row) -> int:
    """Of the model and what is beside it, as one device holds them."""
    assert row.model_key is not None
    return sum(x.bytes for stack in drafted(row, find(row.model_key)).stacks for x in stack.tensors)


def most_bytes(row: Row) -> int:
    """Far more than any run of this kind needs: a hundred times weights in float32, logits, scores and states of blocks."""
    assert row.model_key is not None
    facts = find(row.model_key)
    options = row.trainable_options
    virtual = (options.virtual_tokens or 0) if options else 0
    rows, seq = row.micro_batch or 1, (row.seq_len or 1) + (row.new_tokens or 0) + virtual
    layers = facts.n_layers + facts.n_encoder_layers
    of_token = layers * (facts.hidden_size + facts.intermediate_size + facts.q_dim) + facts.vocab_size
    scores = rows * layers * facts.n_heads * seq * seq
    each = 100 * 4 * (rows * seq * (of_token + (row.grad_accumulation or 1)) + scores)
    beside = 1 << 36
    return 50 * weight_bytes(row) * 4 + each + beside


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_an_altered_row_gets_an_interval_or_a_sentence(chunk: int) -> None:
    predicted = 0
    for raw in altered(published_rows(), COUNT // CHUNKS, chunk):
        row = read_row(dict(raw)).row
        answer = predict(row)
        if isinstance(answer, Refused):
            assert len(answer.why.split()) > 3, answer
            continue
        assert isinstance(answer, Predicted)
        predicted += 1
        assert 0 < answer.low <= answer.expected <= answer.high, raw
        assert answer.expected <= most_bytes(row), raw
        if row.sharding.n_gpus == 1 and not row.sharding.cpu_offload:
            assert answer.expected >= weight_bytes(row), raw
    assert predicted > COUNT // CHUNKS // 2


def test_a_longest_row_is_rare_only_where_no_limit_cut_it() -> None:
    lengths = [(1034, "longest_known"), (512, "longest_known"), (1034, "exact"), (1000, "cap_only"), (None, None)]
    rows = [read_row(raw_row(seq_len=length, seq_len_kind=kind)).row for length, kind in lengths]
    assert [rare_length(row) for row in rows] == [True, False, False, False, False]


def test_layers_rotary_tables_have_no_more_positions_than_the_model() -> None:
    raw = raw_row(task="infer", trainable="none", trainable_options=None, optimizer=None, new_tokens=9)
    row = read_row(raw | {"logits": "all_positions_fp32"}).row
    assert [writing(row, positions).rotary_positions for positions in (2048, 131_072, 0)] == [2048, 32_768, 32_768]
