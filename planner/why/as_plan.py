"""The run behind a training command as a plan, and in words everything about it that a plan cannot hold.

Nothing is guessed in silence: what the command does not say comes from its library's defaults, what this version has no
technique for is a `Beside`, what cannot be known at all is told as missing. No file that a command names is opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.facts.data import DataFacts
from planner.facts.machine import MachineFacts
from planner.facts.model.facts import ModelFacts
from planner.facts.model.shapes import matmuls_of
from planner.options import bounds_problems
from planner.plan import Choice, Plan
from planner.presets import default_plan
from planner.schedule import MOST_STEPS, Schedule
from planner.slots import Slot
from planner.techniques.registry import technique
from planner.techniques.trainable_lora import ALL_LINEAR, LoraOptions
from planner.why.beside import Beside
from planner.why.besides import besides
from planner.why.command import Command
from planner.why.known_model import find_model
from planner.why.settings import LIBRARY, TRL, Settings, answer, dtype_of, library_of, not_computed, table

LONGEST_NAME = 120


@dataclass(frozen=True)
class Run:
    """What a command says of its run. plan: None where it names no model that is known, or trains in a way that has no
    figures; then `missing` says so. told: how it was read, in sentences."""

    plan: Plan | None
    told: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()
    missing: tuple[str, ...] = ()


def run_of(command: Command, machine: MachineFacts, *, full_logits: bool = False) -> Run:
    """The run of a command on a machine. full_logits: the traceback shows transformers' own loss."""
    if way := not_computed(command):
        return Run(
            None, missing=(f"{command.program} trains by {way.upper()}, which this version has no figures for.",)
        )
    s = Settings(command, library_of(command))
    name = s.text("model") or ""
    model = find_model(name)
    if model is None:
        return Run(None, missing=(_no_model(name),))
    told = [f"Read as {command.program}; what it does not say is as {LIBRARY[s.library]} has it by default."]
    if model.name != name:
        told.append(f"The shapes of {name[:LONGEST_NAME]} are taken from {model.name} of the catalogue.")
    if s.library == TRL and not command.program.endswith(("sft", "sft.py")):
        told.append(f"{command.program} is not TRL's own script: what it sets itself is not known.")
    schedule = _schedule(s, model, told)
    data = _data(s, schedule)
    plan = default_plan(model, data, machine, name=f"{model.name.rsplit('/', 1)[-1]}, as it ran").with_schedule(
        schedule
    )
    four_bits, eight_bits = _few_bits(s), s.truth("eight_bits")
    for choice in (
        _weights(s, model, four_bits),
        _trainable(s, model, four_bits or eight_bits, told),
        _attention(s, plan),
        answer(Slot.ACTIVATION, "remade" if s.truth("checkpointing") else "kept"),
        answer(Slot.LOSS, "all_logits" if full_logits or s.library != TRL else "tiles"),
        _optimizer(s),
    ):
        plan = plan.with_choice(choice)
    if full_logits and s.library == TRL:
        told.append("The traceback goes through transformers' own loss, so all logits are in these figures.")
    beside = besides(plan, s, four_bits=four_bits, eight_bits=eight_bits)
    return Run(plan, (*told, *s.notes), beside)


def _no_model(name: str) -> str:
    if not name:
        return "The command names no model (--model_name_or_path)."
    return f"The catalogue has no model like {name[:LONGEST_NAME]}; open its folder as the plan's model and ask again."


def _schedule(s: Settings, model: ModelFacts, told: list[str]) -> Schedule:
    length, given = s.default("length"), s.given("length")
    if given is not None and given[1] and given[1][0].lower() in ("none", "null", "-1"):
        length = model.max_positions or length
        told.append(f"No length is cut: planned with the {length:,} positions that the model has.")
    else:
        length = int(s.number("length"))
    if given is None and model.max_positions and model.max_positions < length:
        length = model.max_positions
    steps = int(s.number("max_steps"))
    return Schedule(
        micro_batch=int(s.number("batch")),
        max_length=length,
        grad_accumulation=int(s.number("accumulation")),
        epochs=s.number("num_train_epochs", whole=False),
        max_steps=steps if -1 <= steps <= MOST_STEPS else -1,
        learning_rate=s.number("learning_rate", whole=False),
        weight_decay=s.number("weight_decay", whole=False),
        max_grad_norm=s.number("max_grad_norm", whole=False),
    )


def _data(s: Settings, schedule: Schedule) -> DataFacts:
    """Rows of unknown number and length: every batch is as long as the cut allows."""
    name = (s.text("data") or "")[:LONGEST_NAME]
    told = f"{name}, " if name else ""
    return DataFacts(f"{told}rows of up to {schedule.max_length:,} tokens", "", "messages", 0, 0, "")


def _few_bits(s: Settings) -> bool:
    """Four-bit weights: TRL's flag, or LLaMA-Factory's number of bits."""
    bits = s.given("quantization_bit")
    return s.truth("four_bits") or (bits is not None and bits[1] == ("4",))


def _weights(s: Settings, model: ModelFacts, four_bits: bool) -> Choice:
    if not four_bits:
        return answer(Slot.WEIGHTS, "float32" if dtype_of(s, model) == "float32" else "sixteen_bits")
    choice = answer(Slot.WEIGHTS, "four_bits")
    options = replace(choice.options, double_quant=s.truth("double_quant"))
    quant_type = (s.text("quant_type") or "").lower()
    other = replace(options, quant_type=quant_type) if quant_type else options
    return replace(choice, options=options if bounds_problems(other, "weights") else other)


def _trainable(s: Settings, model: ModelFacts, few_bits: bool, told: list[str]) -> Choice:
    kind = s.text("finetuning_type")  # LLaMA-Factory's word
    asked = s.given("rank") or s.given("targets") or s.given("alpha")
    peft = s.truth("use_peft") or kind in table()["adapter_words"]
    own_script = not s.command.program.endswith(("trl sft", "sft.py"))
    if asked is not None and not peft and own_script and kind is None:
        peft = True
        told.append(f"--{asked[0]} is taken to mean that LoRA is trained.")
    if not peft:
        if asked is not None:
            told.append(f"--{asked[0]} does nothing without --use_peft: TRL then trains all weights.")
        return answer(Slot.TRAINABLE, "everything")
    targets = _targets(s, model)
    options = LoraOptions(
        rank=int(s.number("rank")),
        alpha=int(s.number("alpha")),
        dropout=s.number("dropout", whole=False),
        target_modules=targets,
        adapter_dtype="same as weights" if few_bits else "float32",  # TRL casts adapters of packed weights to bfloat16
    )
    return replace(answer(Slot.TRAINABLE, "adapter"), options=options)


def _targets(s: Settings, model: ModelFacts) -> tuple[str, ...]:
    """As PEFT takes them; without any, PEFT's own for this architecture, else every matmul."""
    found = s.given("targets")
    if found is not None and found[1]:
        words = " ".join(found[1]).replace("[", " ").replace("]", " ").replace('"', " ").replace("'", " ")
        named = tuple(dict.fromkeys(w for part in words.split(",") for w in part.split()))
        if len(named) == 1 and named[0].lower().replace("_", "-") in ("all", ALL_LINEAR):
            return (ALL_LINEAR,)
        known = {place.rsplit(".", 1)[-1] for place in matmuls_of(model).values()}
        wanted = tuple(t for t in named if t.rsplit(".", 1)[-1] in known)
        if left := [t for t in named if t not in wanted]:
            s.notes.append(f"Targets that {model.name} has not among its blocks' matmuls: {', '.join(left)[:80]}.")
        if wanted:
            return wanted
    if found is None or not found[1]:
        rows = [row for row in table()["targets"] if model.architecture.startswith(row["architecture"])]
        if rows and rows[0]["modules"]:
            return tuple(rows[0]["modules"])
        s.notes.append(
            f"PEFT has no targets of its own for {model.architecture}; every matmul of the blocks was taken."
        )
    return (ALL_LINEAR,)


def _attention(s: Settings, plan: Plan) -> Choice:
    """Every implementation but the eager one makes scores in tiles, as SDPA does."""
    word = table()["attention_words"].get((s.text("attention") or "").lower(), "tiles")
    choice = answer(Slot.ATTENTION, word)
    if technique(choice.slot, choice.technique).problems(plan, choice.options):
        return answer(Slot.ATTENTION, "scores")
    return choice


def _optimizer(s: Settings) -> Choice:
    """transformers' adamw_torch leaves the choice to torch, which takes `foreach` on a card."""
    choice = answer(Slot.OPTIMIZER, "adamw")
    implementation = "foreach" if s.text("optim") in ("adamw_torch", "adamw_hf", "adamw") else "fused"
    return replace(choice, options=replace(choice.options, implementation=implementation))
