"""What the planner knows about a data set: rows, form, token lengths, and the longest batch that will really occur."""

from __future__ import annotations

from dataclasses import dataclass

from planner.units import Num


@dataclass(frozen=True, slots=True)
class BatchShape:
    """The padded batch on the device. tokens = rows × seq. padded: some row is shorter, so a mask reaches attention.

    certain: False when the lengths were estimated, or the rows that meet in one batch are not known.
    """

    rows: Num
    seq: Num
    padded: bool = True
    certain: bool = True

    @property
    def tokens(self) -> Num:
        return self.rows * self.seq


@dataclass(frozen=True)
class DataFacts:
    """One data set. lengths: tokens per row in file order (chat template applied, not cut), empty when unknown.

    form: messages or prompt_completion. lengths_from: counted (by the model's tokenizer), estimated (from characters)
    or unknown. tokenizer: sha256 of the tokenizer.json that counted them. sample_prompt: a question from the data,
    for the before-and-after answer.
    """

    name: str
    path: str
    form: str
    rows: int
    size_bytes: int
    sha256: str
    lengths: tuple[int, ...] = ()
    lengths_from: str = "unknown"
    tokenizer: str = ""
    sample_prompt: str = ""
