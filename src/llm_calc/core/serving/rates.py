"""What one GPU reaches in practice: its peaks times the efficiencies of an engine."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from llm_calc.core.arrays import Quantity
from llm_calc.core.operators.work import GROUPS

Value = Callable[[str, int | None], Quantity]
"""An efficiency by its name and, where it depends on a number format, the index of the group of matrices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Peaks of one GPU and of the link between those of a layout.

    ``group_flops_per_s``: dense peak of the number type that multiplies each of ``operators.GROUPS``;
    ``wide_flops_per_s``: of 16-bit attention; ``vector_flops_per_s``: outside of the matrix units.
    ``power_fraction``: watts a TFLOP/s against what sustained matrix work needs, at most 1.
    """

    memory_bytes_per_s: Quantity
    group_flops_per_s: tuple[Quantity, ...]
    wide_flops_per_s: Quantity
    vector_flops_per_s: Quantity
    link_bytes_per_s: Quantity
    power_fraction: Quantity = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """How a family of kernels works, beside how well.

    Up to ``vector_tokens`` tokens are multiplied on vector units, more on matrix units in tiles of
    ``tile_tokens``. ``overlap_exponent``: see ``roofline.overlapped``. ``prompt_tokens``: most prompt tokens in
    one step of a static batch. ``stages_overlap``: pipeline stages work on chunks of one prompt at once;
    ``stage_batches``: each works on a batch of its own.
    ``captured``: steps without prompts run as captured graphs.
    ``quicker``: whichever of both units takes less time is used, however many tokens there are.
    """

    name: str
    vector_tokens: int = 0
    tile_tokens: int = 1
    overlap_exponent: float = 3.0
    prompt_tokens: Quantity = 8192
    stages_overlap: bool = False
    stage_batches: bool = False
    captured: bool = True
    quicker: bool = False


NO_KERNELS = Kernels(name="")
"""Of a calibration that says nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearRates:
    """Reached rates of one group of matrices; ``call_s``: what each of its products takes beside its roofs."""

    bytes_per_s: Quantity
    flops_per_s: Quantity
    vector_flops_per_s: Quantity
    call_s: Quantity = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Everything that turns the work of a step into seconds.

    ``linear``: one entry a group, in the order of ``operators.GROUPS``. ``routing_exponent``: tokens of a step
    choose experts alike, so that ``tokens ** exponent`` independent ones touch as many (1: independent).
    ``saturation_tokens``: a matrix product costs as much as one of so many tokens more; ``expert_pad_rows``: that of
    grouped experts as much as one of so many rows more for every expert that it touches.
    ``layer_s`` … ``sequence_s``: what a layer, a step and a sequence of a step cost beside the roofs (launches,
    small kernels, the scheduler, sampling); ``prefill_layer_s``: a layer of a step with prompt tokens, which
    engines run without captured graphs: the least time of such a step, ``prefill_more_s`` that of what experts,
    latent, sparse and recurrent mixers add to it. ``stage_loss_fraction``: what each further pipeline stage adds to a
    step; ``overlap_loss_fraction``: part of the overlap of stages that is lost. ``gather_steps``: so many steps a
    prompt is held back for those of other replicas of attention.
    """

    linear: tuple[LinearRates, ...]
    activation_bytes_per_s: Quantity
    kv_bytes_per_s: Quantity
    state_bytes_per_s: Quantity
    decode_attention_flops_per_s: Quantity
    prefill_attention_flops_per_s: Quantity
    link_bytes_per_s: Quantity
    collective_s: Quantity
    collective_doubling: Quantity
    layer_s: Quantity
    expert_layer_s: Quantity
    latent_layer_s: Quantity
    sparse_layer_s: Quantity
    recurrent_layer_s: Quantity
    prefill_layer_s: Quantity
    step_s: Quantity
    sequence_s: Quantity
    routing_exponent: Quantity = 1.0
    saturation_tokens: Quantity = 0.0
    expert_pad_rows: Quantity = 0.0
    stage_loss_fraction: Quantity = 0.0
    overlap_loss_fraction: Quantity = 0.0
    gather_steps: Quantity = 0.0
    prefill_more_s: Quantity = 0.0
    kernels: Kernels = Kernels(name="")
    host: "HostRates | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRates:
    """What the host reaches where part of a model lies with it.

    ``rates``: of its processor and memory. From ``copied_from_tokens`` tokens on, a step copies its weights to the GPU
    instead, once a micro-batch of ``micro_batch_tokens``, at ``copy_bytes_per_s``. ``crossings_s``: all hand-overs
    between the two in one step.
    """

    rates: Rates
    copied_from_tokens: float
    micro_batch_tokens: float
    copy_bytes_per_s: float
    crossings_s: float


def reached_rates(machine: Machine, value: Value, kernels: Kernels) -> Rates:
    """Peaks times efficiencies; times as they are [bytes/s, FLOP/s, s].

    ``rate = peak x fraction``; matrix and prompt arithmetic also ``x power_fraction^power_exponent``.
    Choice: which rates there are; the efficiencies are fitted by ``make calibrate`` (``docs/accuracy.md``).
    Leaves out: temperature, shared nodes, and anything else that is not the same for all measurements.
    """

    def of(name: str) -> Quantity:
        return value(name, None)

    power = _power(machine.power_fraction, of("power_exponent"))
    times: dict[str, Any] = {name: of(name) for name in TIMES}
    return Rates(
        linear=tuple(_linear(machine, value, power, index) for index in range(len(GROUPS))),
        activation_bytes_per_s=machine.memory_bytes_per_s * of("activation_bandwidth_fraction"),
        kv_bytes_per_s=machine.memory_bytes_per_s * of("kv_bandwidth_fraction"),
        state_bytes_per_s=machine.memory_bytes_per_s * of("state_bandwidth_fraction"),
        decode_attention_flops_per_s=machine.wide_flops_per_s * of("decode_attention_compute_fraction"),
        prefill_attention_flops_per_s=machine.wide_flops_per_s
        * of("prefill_attention_compute_fraction")
        * power,
        link_bytes_per_s=machine.link_bytes_per_s * of("link_fraction"),
        **times,
        kernels=kernels,
    )


def _power(fraction: Quantity, exponent: Quantity) -> Quantity:
    """One by one, since arrays differ in the last digit from numbers, and equal candidates must stay equal."""
    if isinstance(fraction, np.ndarray) and not isinstance(exponent, np.ndarray):
        return np.array([each**exponent for each in fraction.tolist()])
    return fraction**exponent


TIMES = (
    "collective_s",
    "collective_doubling",
    "layer_s",
    "expert_layer_s",
    "latent_layer_s",
    "sparse_layer_s",
    "recurrent_layer_s",
    "prefill_layer_s",
    "step_s",
    "sequence_s",
    "routing_exponent",
    "saturation_tokens",
    "expert_pad_rows",
    "stage_loss_fraction",
    "overlap_loss_fraction",
    "gather_steps",
    "prefill_more_s",
)
"""Efficiencies that are quantities of their own, not fractions of a peak."""


def _linear(machine: Machine, value: Value, power: Quantity, group: int) -> LinearRates:
    kind = "expert" if GROUPS[group] == "experts" else "dense"
    flops_per_s = machine.group_flops_per_s[group] * value(f"{kind}_compute_fraction", group)
    return LinearRates(
        bytes_per_s=machine.memory_bytes_per_s * value(f"{kind}_bandwidth_fraction", group),
        flops_per_s=flops_per_s * power,
        vector_flops_per_s=machine.vector_flops_per_s * value("vector_compute_fraction", group),
        call_s=0.0 if kind == "expert" else value("matrix_s", group),
    )


def pick(rates: Rates, index: int) -> Rates:
    """One element of rates that are arrays [bytes/s, FLOP/s, s].

    Definition: the element with this index of each of them.
    """
    names = [each.name for each in fields(Rates) if each.name not in ("linear", "kernels", "host")]
    chosen: dict[str, Any] = {name: _element(getattr(rates, name), index) for name in names}
    return replace(rates, linear=tuple(_one(each, index) for each in rates.linear), **chosen)


def _one(linear: LinearRates, index: int) -> LinearRates:
    return LinearRates(
        bytes_per_s=_element(linear.bytes_per_s, index),
        flops_per_s=_element(linear.flops_per_s, index),
        vector_flops_per_s=_element(linear.vector_flops_per_s, index),
        call_s=_element(linear.call_s, index),
    )


def _element(value: Quantity, index: int) -> Quantity:
    return float(value[index]) if isinstance(value, np.ndarray) else value
