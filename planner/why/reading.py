"""What an out-of-memory error says of itself: how much was asked for, how much there was, who held it.

Every wording seen in public reports of torch from 1.0 on is known here, on CUDA, HIP, XPU, MPS and the CPU, and beside
them NumPy's, the kernel's, a launcher's, cuBLAS's and vLLM's. It judges nothing and knows no plan. A figure the text
does not give is None, which is another thing than 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from planner.units import GIB, KIB, MIB
from planner.why.text import Text

UNITS = {"bytes": 1, "b": 1, "k": KIB, "m": MIB, "g": GIB, "t": 2**40, "p": 2**50, "e": 2**60}
BEYOND_REASON_BYTES = 2**60  # drivers without the right to look report 2**64 bytes of another process
MOST_CONTEXT_BYTES = 2 * GIB  # no process was seen to hold more of a card beside what torch reserved
TAIL = 4000  # squeezed characters in which an error has told all of its figures

# torch prints a point; a text that went through a program of another language may have a comma in its place
_SIZE = r"(\d{1,20}(?:\.\d{0,6}|,\d{2})?)(bytes|b|[kmgtpe]i?b)"


@dataclass(frozen=True)
class Reading:
    """One error. All sizes in bytes.

    kind: cuda, hip, xpu, mps, cpu, numpy, killed, library, vllm, dispatched or bare (out of memory, no figures).
    device: index of the card. allowed: by a limit that the process set itself. unused: reserved by torch and not
    allocated. process: all that the failing process held, context included; others: (process id, bytes) of the rest.
    errors: how many out-of-memory errors the text holds. line: where this one stands.
    """

    kind: str
    asked: int | None = None
    total: int | None = None
    free: int | None = None
    allowed: int | None = None
    allocated: int | None = None
    unused: int | None = None
    private_pools: int | None = None
    process: int | None = None
    others: tuple[tuple[int, int], ...] = ()
    device: int | None = None
    program: str = ""
    errors: int = 1
    line: int = 0

    @property
    def reserved(self) -> int | None:
        """All that torch had taken from the card."""
        if self.allocated is None:
            return None
        return self.allocated + (self.unused or 0)

    @property
    def on_card(self) -> bool:
        return self.kind in ("cuda", "hip", "xpu")

    @property
    def others_bytes(self) -> int:
        return sum(size for _, size in self.others)


def size_of(number: str, unit: str) -> int | None:
    """Bytes of a printed size. Every library here counts in 1024s, whatever it calls them."""
    n = round(float(number.replace(",", ".")) * (UNITS.get(unit) or UNITS[unit[0]]))
    return n if n < BEYOND_REASON_BYTES else None


def _within(pattern: str) -> Callable[[str], int | None]:
    compiled = re.compile(pattern.replace("SIZE", _SIZE))

    def find(tail: str) -> int | None:
        found = compiled.search(tail)
        return size_of(found[1], found[2]) if found else None

    return find


_ASKED = _within(r"triedtoallocateSIZE")
_TOTAL = _within(r"hasatotalcapac(?:i)?tyofSIZE")
_FREE = _within(r"ofwhichSIZEisfree")
_ALLOWED = _within(r"SIZEallowed;")
_THIS = _within(r"thisprocesshasSIZEmemoryinuse")
_ALLOCATED = _within(r"oftheallocatedmemorySIZEisallocatedbypytorch")
_POOLS = _within(r"withSIZEallocatedinprivatepools")
_UNUSED = _within(r"SIZEisreservedbypytorchbutunallocated")
_OTHER = re.compile(rf"(?<!this)process(\d{{1,10}})has{_SIZE}memoryinuse")
_INDEX = re.compile(r"gpu(\d{1,3})hasatotal")
_OLD = re.compile(
    r"\(gpu(\d{0,3});SIZEtotalcapacity;SIZEalreadyallocated;(?:SIZEfree;)?(?:SIZEallowed;)?"
    r"SIZE(reservedintotalbypytorch|cached|reserved)?".replace("SIZE", _SIZE)
)

_ANCHOR = re.compile(
    rf"(?P<card>(?:(?P<which>cuda|hip|xpu)outofmemory\.?|cannotallocatememoryblockwithsizelargerthan4gb!)triedtoallocate{_SIZE})"
    rf"|(?P<mps>mpsbackendoutofmemory\(mpsallocated:{_SIZE},otherallocations:{_SIZE},maxallowed:{_SIZE}\)\.?triedtoallocate{_SIZE})"
    r"|(?P<cpu>defaultcpuallocator:(?:can'?tallocatememory|notenoughmemory):youtriedtoallocate(\d{1,20})(gb|bytes))"
    rf"|(?P<numpy>unabletoallocate{_SIZE}foranarraywith)"
    r"|(?P<killed>outofmemory:kill(?:ed)?process(\d{1,10})\(([^)]{1,80})\)(?:total-vm:[\d,]{1,20}kb,anon-rss:([\d,]{1,20})kb)?)"
    r"|(?P<xla>(?:failedtoallocate[^(]{1,40}\((\d{1,20})bytes\)fromdevice|outofmemorywhiletryingtoallocate(\d{1,20})bytes))"
    r"|(?P<library>(?:cublas|cusolver|cusparse|cudnn|hipblas|rocblas|cufft)_status_alloc_failed)"
    r"|(?P<vllm>noavailablememoryforthecacheblocks|freememoryondevice[^.]{0,40}\([\d.]{1,12}/[\d.]{1,12}gib\)onstartupislessthandesired"
    r"|thantheavailablekvcachememory|maximumnumberoftokensthatcanbestoredinkvcache)"
    r"|(?P<dispatched>somemodulesaredispatchedonthecpuorthedisk)"
    r"|(?P<gone>exitcode:?=?-?-9(?!\d)|exitcode:?=?137(?!\d)|(?:exitedwith|exitstatus|returncode):?=?(?:code)?(?:137|-9)(?!\d)"
    r"|signal9\(sigkill\)|signals\.sigkill:9|signal9:sigkill|oomkilled)"
    r"|(?P<host>std::bad_alloc)"
    r"|(?P<bare>(?:cuda|hip)(?:error:|runtimeerror\(2\):|_error_)?out_?of_?memory|hiperroroutofmemory"
    r"|cudaerrormemoryallocation|outofmemoryerror(?=[:(]))"
)
_ALONE = re.compile(
    r"\s*(?:Killed|已杀死|\S{0,200}\s{1,4}\d{1,9}\s{1,4}Killed\s.{0,400}|(?:\w{1,40}\.){0,6}MemoryError(?::.*)?)\s*$"
)


def read_error(text: Text) -> Reading | None:
    """The error that the text is about, or None: the first of those that say most."""
    found = sorted(_errors(text), key=lambda r: (_rank(r), r.line))
    if not found:
        return None
    chosen = found[0]
    return replace(chosen, kind="killed" if chosen.kind == "gone" else chosen.kind, errors=len(_different(found)))


def _rank(reading: Reading) -> int:
    """Errors with figures come first, then bare ones, then what a launcher says of a process that was ended."""
    if reading.kind == "gone":
        return 2
    return int(reading.kind in ("bare", "cpu") and reading.asked is None)


def _different(found: list[Reading]) -> set[tuple[object, ...]]:
    """Errors by what they say: a log often repeats one."""
    told: set[tuple[object, ...]] = {(r.kind, r.asked, r.free, r.device, r.allocated) for r in found if not _rank(r)}
    return told or {(found[0].kind,)}


def _errors(text: Text) -> Iterator[Reading]:
    squeezed = text.squeezed
    anchors = list(_ANCHOR.finditer(squeezed))
    ends, end = [], len(squeezed)
    for found in reversed(anchors):
        ends.append(end)
        end = found.start() if _opens(found) else end
    for found, end in zip(anchors, reversed(ends), strict=True):
        tail = squeezed[found.start() : min(end, found.start() + TAIL)]
        yield replace(_of(found, tail), line=text.line_at(found.start()))
    for number, line in enumerate(text.lines):
        if _ALONE.match(line[:700]):
            yield Reading("cpu" if "MemoryError" in line else "gone", line=number)


def _opens(found: re.Match[str]) -> bool:
    """Whether this anchor begins another error with figures of its own."""
    return any(found.group(kind) for kind in ("card", "mps", "cpu", "numpy", "killed"))


def _of(found: re.Match[str], tail: str) -> Reading:
    if found["card"]:
        return _card(found["which"] or "xpu", tail)
    if found["mps"]:
        held, others, most, asked = (size_of(n, u) for n, u in _pairs(found["mps"]))
        free = None if None in (held, others, most) else max(0, (most or 0) - (held or 0) - (others or 0))
        process = None if None in (held, others) else (held or 0) + (others or 0)  # Metal counts this process alone
        return Reading("mps", asked, most, free, allocated=held, process=process)
    if found["cpu"]:
        number, unit = re.findall(r"(\d+)(gb|bytes)$", found["cpu"])[0]
        return Reading("cpu", size_of(number, unit))
    if found["numpy"]:
        number, unit = _pairs(found["numpy"])[0]
        return Reading("numpy", size_of(number, unit))
    if found["killed"]:
        told = re.search(r"process(\d+)\(([^)]+)\)(?:total-vm:[\d,]+kb,anon-rss:([\d,]+)kb)?", found["killed"])
        assert told is not None
        held = int(told[3].replace(",", "") or 0) * KIB if told[3] else None
        return Reading("killed", process=held if held and held < BEYOND_REASON_BYTES else None, program=told[2])
    if found["xla"]:
        number = re.findall(r"(\d{1,20})bytes", found["xla"])[0]
        return Reading("bare", size_of(number, "bytes"))
    if found["host"]:
        return Reading("cpu")
    for kind in ("library", "vllm", "dispatched", "gone"):
        if found[kind]:
            return Reading(kind)
    return Reading("bare")


def _pairs(squeezed: str) -> list[tuple[str, str]]:
    return re.findall(_SIZE, squeezed)


def _card(which: str, tail: str) -> Reading:
    """The error of a caching allocator: torch from 2.1 on, or before."""
    asked = _ASKED(tail)
    if old := _OLD.search(tail):
        index = old[1]
        sizes = [size_of(old[i], old[i + 1]) if old[i] else None for i in range(2, 12, 2)]
        total, allocated, free, allowed, reserved = sizes
        unused = max(0, reserved - allocated) if reserved is not None and allocated is not None else None
        if old[12] == "cached":  # up to torch 1.3 what is cached beside what is allocated, later both together
            unused = reserved
        device = int(index) if index else None
        return Reading(which, asked, total, free, allowed, allocated, unused, device=device)
    index_found = _INDEX.search(tail)
    others = tuple((int(pid), size) for pid, n, unit in _OTHER.findall(tail) if (size := size_of(n, unit)) is not None)
    read = Reading(
        which,
        asked,
        _TOTAL(tail),
        _FREE(tail),
        _ALLOWED(tail),
        _ALLOCATED(tail),
        _UNUSED(tail),
        _POOLS(tail),
        _THIS(tail),
        others,
        int(index_found[1]) if index_found else None,
    )
    return read if read.process is not None else _itself(read)


def _itself(read: Reading) -> Reading:
    """Inside a container a process does not know its own number outside, so torch lists it among the others: it is the
    one that holds what torch has reserved and a context beside it."""
    held = read.reserved
    if held is None:
        return read
    near = [x for x in read.others if held <= x[1] <= held + MOST_CONTEXT_BYTES]
    if not near:
        return read
    mine = min(near, key=lambda x: x[1])
    return replace(read, process=mine[1], others=tuple(x for x in read.others if x is not mine))
