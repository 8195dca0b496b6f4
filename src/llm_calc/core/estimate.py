"""The documented estimate: footprint, FLOPs and flat-roof timing of one scenario, and over many GPUs at once."""

from dataclasses import dataclass

from llm_calc.core import flops, traffic
from llm_calc.core.arrays import Quantity
from llm_calc.core.flops import Flops
from llm_calc.core.footprint import Footprint, Numbers, Overheads, Split, gpu_footprint, whole_footprint
from llm_calc.core.model import Model
from llm_calc.core.throughput import Columns, Roofs, Timing, roofline, units_per_s_of_each


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A model, how its numbers are stored, how it is split, and one static batch."""

    model: Model
    numbers: Numbers
    split: Split
    batch: Quantity
    tokens: Quantity
    overheads: Overheads = Overheads()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a scenario asks of any hardware: nothing here depends on the GPU.

    ``prefill``: the whole batch, logits of every position. ``decode``: one sequence at a context of ``tokens``.
    ``prefill_bytes``/``decode_bytes``: moved by the fullest GPU, summed over stages.
    """

    whole: Footprint
    gpu: Footprint
    prefill: Flops
    decode: Flops
    prefill_bytes: Quantity
    decode_bytes: Quantity


def demand(scenario: Scenario, gpu: Footprint | None = None) -> Demand:
    """Footprint [bytes], FLOPs and bytes moved of a scenario [bytes, FLOP].

    Prefill: :func:`.flops.reference_prefill_flops`, every touched weight once. Decode:
    :func:`.flops.reference_decode_flops` with latent caches absorbed, ``weights that the batch touches + cache of the
    batch at tokens of context``.
    ``gpu``: :func:`.footprint.gpu_footprint`, where it is known already; a single GPU holds and reads the whole.
    Choice: the documented estimate counts full S x S scores and moves each weight once a pass, the least that is
    possible.
    Leaves out: traffic of activations and of cache writes.
    """
    model, numbers, split, batch, tokens = (
        scenario.model,
        scenario.numbers,
        scenario.split,
        scenario.batch,
        scenario.tokens,
    )
    held = gpu_footprint(model, numbers, split, batch, tokens) if gpu is None else gpu
    alone = split.gpus == 1
    return Demand(
        whole=held if alone else whole_footprint(model, numbers, batch, tokens),
        gpu=held,
        prefill=flops.reference_prefill_flops(model, batch, tokens),
        decode=flops.reference_decode_flops(model, tokens, absorbed=True),
        prefill_bytes=traffic.decode_weight_bytes(model, numbers, split, batch * tokens),
        decode_bytes=traffic.decode_weight_bytes(model, numbers, split, batch)
        + (
            held.kv_cache_bytes if alone else traffic.decode_cache_bytes(model, numbers, split, batch, tokens)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Timing of prefill (the whole batch) and of one decode step (one token for each sequence)."""

    prefill: Timing
    step: Timing


def speed(scenario: Scenario, needs: Demand, roofs: Roofs) -> Speed:
    """Prefill of the whole batch and one decode step under the roofs [s].

    ``roofline(FLOPs, bytes)`` for each; a decode step has ``batch`` times the FLOPs of one sequence.
    Source: as :func:`.throughput.roofline`; checked: 2026-11-30.
    Leaves out: communication, launches, scheduling.
    """
    return Speed(
        prefill=roofline(needs.prefill.total, needs.prefill_bytes, roofs),
        step=roofline(scenario.batch * needs.decode.total, needs.decode_bytes, roofs),
    )


def tokens_per_s_by_gpu(
    scenario: Scenario, needs: Demand, columns: Columns, efficiency_fraction: float
) -> list[float]:
    """Decode throughput of a scenario of numbers on many kinds of GPUs [tokens/s].

    ``batch / step`` for each of the columns.
    Definition: one step gives one token to each sequence.
    """
    batch, gpus = float(scenario.batch), scenario.split.layout.stage_gpus * scenario.split.sequence
    flops, moved = float(scenario.batch * needs.decode.total), float(needs.decode_bytes)
    return units_per_s_of_each(batch, flops, moved, columns, gpus * efficiency_fraction)
