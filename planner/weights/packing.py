"""How quantised matrices lie in memory: codes of few bits with scales beside them, and which matmul reads them.

Sizes are those of the tensors that each library keeps for one matrix; torch rounds each of them up to 512 bytes, which
is not counted. bitsandbytes' were compared with its own modules; the others follow the layouts that their classes name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from planner.autograd import matmul
from planner.autograd.tape import Tape, Value, Weight


def _matrix(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(how many, out, in) of a tensor that holds one matrix, or one for each expert."""
    return prod(shape[:-2]), shape[-2], shape[-1]


def _parts(n: int, size: int) -> int:
    return -(-n // size)


@dataclass(frozen=True, slots=True)
class FourBits:
    """bitsandbytes' NF4 and FP4, and torchao's NF4: two codes in a byte, one scale for each block of values.

    double: the scales are 8-bit codes themselves, with a float32 for each 256 of them, and one offset.
    in_torch: packed and unpacked by operations of torch, as torchao does, not by a kernel of its own.
    fused: torch.compile leaves nothing between the steps of unpacking. from_half: packed from float16 while the run
    computes in another 16-bit type (Lightning's Fabric), so that it is unpacked to that first and copied. own_table:
    with double, each matrix has a copy of the 256 values that its scales' codes stand for (bitsandbytes 0.50,
    functional.quantize_blockwise); before, all shared one.
    """

    name: str = "nf4"
    block_size: int = 64
    double: bool = False
    in_torch: bool = False
    fused: bool = False
    from_half: bool = False
    own_table: bool = False

    def pieces(self, shape: tuple[int, ...]) -> Iterator[int]:
        """Bytes of each tensor that is kept; the last ones are the tables of codes."""
        n, rows, columns = _matrix(shape)
        elements = rows * columns
        scales = _parts(elements, self.block_size)
        for _ in range(n):
            yield _parts(elements, 2)
            if self.double:
                yield scales
                yield 4 * _parts(scales, 256)
                yield 4  # the offset
                if self.own_table:
                    yield 4 * 256
            else:
                yield 4 * scales
            yield 64  # the 16 values that the codes stand for

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        return sum(self.pieces(shape))

    def loading_bytes(self, shape: tuple[int, ...]) -> int:
        """While one matrix is quantised on the card: as it was read, and its float16 copy where one is made."""
        each = TORCHAO_PACKING_BYTES if self.in_torch else 4 if self.from_half else 2
        return each * shape[-2] * shape[-1]

    def as_multiplied(self) -> FourBits:
        """What products with it depend on: how the scales are stored is none of it."""
        return FourBits(in_torch=self.in_torch, fused=self.fused, from_half=self.from_half)

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        scratch_bits = TORCHAO_SCRATCH_BITS if self.in_torch and not self.fused else 16 if self.from_half else 0
        return matmul.unpacked_each_time(t, x, weight, d_out, compute_bits, scratch_bits)


TORCHAO_SCRATCH_BITS = 96
"""Of one element while torchao unpacks NF4 in eager torch, just before both halves are put together: their indices of 64
bits, the values of 16 bits that these stand for, and the scaled values (NF4Tensor.get_original_weight)."""

TORCHAO_PACKING_BYTES = 15
"""Of one element while torchao packs: what was read (2), scaled (2), indices of 64 bits (8), their bytes, and both
halves before and after they are put together (NF4Tensor.convert_to_norm_float_weight, which goes in chunks)."""


@dataclass(frozen=True, slots=True)
class EightBits:
    """bitsandbytes' LLM.int8(): one byte a value and a float32 for each row."""

    name: str = "int8"

    def pieces(self, shape: tuple[int, ...]) -> Iterator[int]:
        n, rows, columns = _matrix(shape)
        for _ in range(n):
            yield rows * columns
            yield 4 * rows

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        return sum(self.pieces(shape))

    def loading_bytes(self, shape: tuple[int, ...]) -> int:
        """While one matrix is quantised on the card: as it was read, and its float16 copy (bitsandbytes Int8Params)."""
        return 4 * shape[-2] * shape[-1]

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        return matmul.eight_bits_by_row(t, x, weight, d_out, compute_bits)


@dataclass(frozen=True, slots=True)
class EightBitsWeightOnly:
    """Q-GaLore's int8: one byte a value, a 16-bit scale and zero for each group (q_galore_torch QLinear)."""

    name: str = "int8_weight_only"
    group_size: int = 256

    def pieces(self, shape: tuple[int, ...]) -> Iterator[int]:
        n, rows, columns = _matrix(shape)
        groups = _parts(rows * columns, self.group_size)
        for _ in range(n):
            yield rows * columns
            yield 2 * groups
            yield 2 * groups

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        return sum(self.pieces(shape))

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        return matmul.eight_bits_weight_only(t, x, weight, d_out, compute_bits)


GPTQ_SCRATCH_BITS = 40
"""Of one element while AutoGPTQ unpacks in torch: shifted 32-bit integers and their narrowed copy of 8 bits."""


@dataclass(frozen=True, slots=True)
class Gptq:
    """GPTQ as AutoGPTQ lays it out: packed codes and zeros in int32, float16 scales by group, an int32 for each input.

    qweight (in × bits ÷ 32, out), qzeros (groups, out × bits ÷ 32), scales (groups, out), g_idx (in): auto_gptq's
    QuantLinear and GPTQModel's alike.
    """

    name: str = "gptq4"
    bits: int = 4
    group_size: int = 128

    def pieces(self, shape: tuple[int, ...]) -> Iterator[int]:
        n, rows, columns = _matrix(shape)
        groups = _parts(columns, self.group_size)
        for _ in range(n):
            yield rows * columns * self.bits // 8
            yield groups * rows * self.bits // 8
            yield 2 * groups * rows
            yield 4 * columns

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        return sum(self.pieces(shape))

    def buffer_bytes(self, shape: tuple[int, ...]) -> int:
        """Of ExLlama's kernels for 4 bits: room for one unpacked matrix, made once at loading for the largest."""
        return 2 * shape[-2] * shape[-1] if self.bits == 4 else 0

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        return matmul.unpacked_and_kept(t, x, weight, d_out, compute_bits, GPTQ_SCRATCH_BITS)


@dataclass(frozen=True, slots=True)
class Awq:
    """AWQ as AutoAWQ lays it out: packed codes and zeros in int32, float16 scales by group (awq WQLinear_GEMM).

    From 1,024 tokens on the whole matrix is unpacked for a product; below that a kernel unpacks as it goes.
    """

    name: str = "awq4"
    group_size: int = 128

    def pieces(self, shape: tuple[int, ...]) -> Iterator[int]:
        n, rows, columns = _matrix(shape)
        groups = _parts(columns, self.group_size)
        for _ in range(n):
            yield rows * columns // 2
            yield groups * rows // 2
            yield 2 * groups * rows

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        return sum(self.pieces(shape))

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        return matmul.unpacked_each_time(t, x, weight, d_out, compute_bits)


@dataclass(frozen=True, slots=True)
class Float8:
    """FP8 of published checkpoints: one byte a value, a float32 for each square tile (transformers FP8Linear)."""

    name: str = "fp8"
    tile: int = 128

    def pieces(self, shape: tuple[int, ...]) -> Iterator[int]:
        n, rows, columns = _matrix(shape)
        for _ in range(n):
            yield rows * columns
            yield 4 * _parts(rows, self.tile) * _parts(columns, self.tile)

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        return sum(self.pieces(shape))

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        return matmul.float8_by_block(t, x, weight, d_out, compute_bits)
