"""The benchmark's arithmetic, each figure by hand."""

from __future__ import annotations

import pytest

from benchmarks.truth.answer import Predicted, Refused
from benchmarks.truth.boundary import counts, outcomes
from benchmarks.truth.readings import reading_errors, t4
from benchmarks.truth.score import by_source, macro_median_pct, percentile, score, scored, training_high
from planner.tier import Verdict
from tests.benchmarks.one_row import answered

FITS = Verdict.FITS


def predicted(expected: int, low: int | None = None, high: int | None = None, **more: object) -> Predicted:
    return Predicted(low if low is not None else expected, expected, high or expected, verdict=FITS, **more)  # type: ignore[arg-type]


def test_errors_shares_and_widths_by_hand() -> None:
    of = score(
        [
            answered(predicted(1000, 900, 1100)),  # 0 %, covered, width 0.2
            answered(predicted(1100, 1050, 1150)),  # +10 %, not covered, width 1/11
            answered(predicted(940, 900, 1000)),  # -6 %: under by more than 5 %, covered at its edge
            answered(predicted(950, 900, 990)),  # -5 % exactly is not beyond 5 %
            answered(Refused("no formula")),
            answered(predicted(1), peak_bytes=None),  # nothing to compare with
        ]
    )
    assert (of.rows, of.predicted, of.refused) == (5, 4, 1)
    assert of.median_abs_pct == pytest.approx(5.5)
    assert of.mean_abs_pct == pytest.approx(21 / 4)
    assert of.p90_abs_pct == pytest.approx(6 + 0.7 * 4)
    assert of.worst_abs_pct == pytest.approx(10)
    assert of.median_pct == pytest.approx(-2.5)
    assert of.under5_pct == 25
    assert of.interval_coverage_pct == 50
    assert of.interval_median_width == pytest.approx((90 / 950 + 100 / 940) / 2)
    assert of.cannot_tell_pct == 0


def test_percentile_is_linear_between_ranks() -> None:
    assert percentile([0, 10], 0.9) == pytest.approx(9)
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([7], 0.9) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_group_that_is_refused_whole_has_no_figures() -> None:
    of = score([answered(Refused("no"))])
    assert (of.rows, of.predicted, of.refused) == (1, 0, 1)
    assert of[3:] == (None,) * 9


def test_cannot_tell_is_a_share_of_the_predicted() -> None:
    unsure = Predicted(1000, 1000, 1000)
    assert score([answered(unsure), answered(predicted(1000)), answered(Refused("no"))]).cannot_tell_pct == 50


def test_an_interval_out_of_order_is_refused() -> None:
    for low, expected, high in ((2, 1, 3), (1, 3, 2), (-1, 0, 1)):
        with pytest.raises(ValueError, match="not an interval"):
            Predicted(low, expected, high)


def test_sources_count_alike_in_the_macro_average() -> None:
    rows = [
        *[answered(predicted(1000), source="one/big a.md") for _ in range(9)],
        answered(predicted(1100), source="one/big b.md"),
        answered(predicted(1080), source="two/small"),
        answered(Refused("no"), source="three/refused"),
    ]
    groups = by_source(rows)
    assert {name: len(of) for name, of in groups.items()} == {"one/big": 10, "three/refused": 1, "two/small": 1}
    assert macro_median_pct(groups.values()) == pytest.approx((0 + 8) / 2)
    assert macro_median_pct([]) is None


def test_only_rows_marked_for_it_are_scored() -> None:
    rows = [
        answered(predicted(1), scored=False),
        answered(predicted(2)),
        answered(predicted(3), confidence="medium"),
        answered(predicted(4), task="infer"),
    ]
    assert [x.answer.expected for x in scored(rows) if isinstance(x.answer, Predicted)] == [2, 3, 4]
    assert [x.answer.expected for x in training_high(rows) if isinstance(x.answer, Predicted)] == [2]


def test_a_bound_is_right_on_its_side() -> None:
    card = {"card_bytes": 100, "peak_bytes": None, "bound_bytes": 100}
    rows = [
        answered(predicted(101), id="dies", bound="oom_on_bytes", **card),
        answered(predicted(99, 90, 105), id="may die", bound="oom_on_bytes", **card),
        answered(predicted(99, 90, 100), id="promised", bound="oom_on_bytes", **card),
        answered(predicted(90, expected_process=110), id="process", bound="oom_on_bytes", **card),
        answered(predicted(100), id="at most", bound="at_most", **card),
        answered(predicted(110, 100, 120), id="maybe at most", bound="at_most", **card),
        answered(predicted(100), id="at least", bound="at_least", **card),
        answered(predicted(90, 80, 99), id="too little", bound="at_least", **card),
        answered(predicted(90), id="ran", card_bytes=100, peak_bytes=80),
        answered(Refused("no"), id="refused", bound="at_least", **card),
        answered(predicted(200), id="several", bound="oom_on_bytes", sharding=SEVERAL, **card),
    ]
    found = {x.id: (x.expected_right, x.interval_right) for x in outcomes(rows)}
    assert found == {
        "dies": (True, True),
        "may die": (False, True),
        "promised": (False, False),
        "process": (True, True),
        "at most": (True, True),
        "maybe at most": (False, True),
        "at least": (True, True),
        "too little": (False, False),
        "ran": (True, True),
        "refused": (False, False),
    }
    assert counts(outcomes(rows))["oom_on_bytes"] == {
        "rows": 4, "predicted": 4, "expected_right": 2, "interval_right": 3,
    }  # fmt: skip


def test_every_reading_of_a_run_is_compared_with_its_own_prediction() -> None:
    more = dict.fromkeys(METRICS) | {"process_bytes": 2000, "optimizer_state_bytes": 50, "gradient_bytes": 0}
    one = answered(
        predicted(1010, expected_process=1900, readings={"optimizer_state_bytes": 51, "gradient_bytes": 7}),
        source="PyPI fitcheck-llm 0.3.1 run 1",
        more_metrics=more,
        phase_peaks={"forward_bytes": 900, "backward_bytes": 1000, "optimizer_bytes": 800},
    )
    found = reading_errors([one])
    assert found == {
        "allocated_bytes": [pytest.approx(1.0)],
        "optimizer_state_bytes": [pytest.approx(2.0)],
        "process_bytes": [pytest.approx(-5.0)],
    }
    on_t4 = t4([one, answered(predicted(1))])
    assert on_t4["rows"] == 1
    assert on_t4["boundary"] == {"ran": {"rows": 1, "predicted": 1, "expected_right": 1, "interval_right": 1}}


SEVERAL = {
    "kind": "ddp", "n_gpus": 2, "cpu_offload": False, "data_parallel": None, "tensor_parallel": None,
    "pipeline_parallel": None, "context_parallel": None,
}  # fmt: skip
METRICS = (
    "allocated_bytes", "active_bytes", "reserved_bytes", "process_bytes", "context_bytes", "after_load_bytes",
    "optimizer_state_bytes", "gradient_bytes", "quantised_weight_bytes", "quant_scale_bytes", "float32_weight_bytes",
    "half_weight_bytes", "after_step_allocated_mean_bytes", "after_step_reserved_mean_bytes",
    "after_step_reserved_p99_bytes", "train_total_tokens",
)  # fmt: skip
