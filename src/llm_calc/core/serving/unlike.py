"""Rates of pipeline stages that differ: layers follow each other, each at the rates of the GPU that holds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_calc.core.arrays import Quantity
from llm_calc.core.operators.work import GROUPS, StepWork
from llm_calc.core.serving.rates import TIMES, LinearRates, Rates

_OF_LAYERS = (
    "activation_bytes_per_s",
    "kv_bytes_per_s",
    "state_bytes_per_s",
    "decode_attention_flops_per_s",
    "prefill_attention_flops_per_s",
    "link_bytes_per_s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShare:
    """A stage's part of the bytes of each of ``operators.GROUPS``, and of the layers."""

    groups: tuple[float, ...]
    layers: float


def in_turn(rates: Sequence[Rates], shares: Sequence[StageShare]) -> Rates:
    """The rates of stages that work one after the other, as those of one GPU [bytes/s, FLOP/s, s].

    ``rate = 1 / sum over stages of share / rate``, of times ``sum over stages of share x time``.
    Definition: times of successive layers add up.
    Leaves out: an operator that memory bounds on one stage and arithmetic on another, whose time comes out lower by at
    most the rounding of its roof.
    """
    layers = [share.layers for share in shares]

    def joined(name: str) -> Quantity:
        return _harmonic([getattr(each, name) for each in rates], layers)

    def mean(name: str) -> Quantity:
        total: Quantity = sum(part * getattr(each, name) for part, each in zip(layers, rates, strict=True))
        return total

    changed: dict[str, Any] = {name: joined(name) for name in _OF_LAYERS}
    changed |= {name: mean(name) for name in TIMES}
    linear = tuple(_linear(rates, shares, group) for group in range(len(GROUPS)))
    return replace(rates[0], linear=linear, **changed)


def _linear(rates: Sequence[Rates], shares: Sequence[StageShare], group: int) -> LinearRates:
    parts = [share.groups[group] for share in shares]
    if not any(parts):
        parts = [share.layers for share in shares]

    def joined(of: Callable[[LinearRates], Quantity]) -> Quantity:
        return _harmonic([of(each.linear[group]) for each in rates], parts)

    return LinearRates(
        bytes_per_s=joined(lambda each: each.bytes_per_s),
        flops_per_s=joined(lambda each: each.flops_per_s),
        vector_flops_per_s=joined(lambda each: each.vector_flops_per_s),
    )


def _harmonic(values: Sequence[Quantity], parts: Sequence[float]) -> Quantity:
    total: Quantity = sum(part / value for part, value in zip(parts, values, strict=True))
    return 1.0 / total


def unbalanced(
    work: StepWork, rates: Rates, own: Sequence[Rates], shares: Sequence[StageShare]
) -> tuple[StepWork, Rates]:
    """The work over the stages that have any, and how far their overlap is lost [1].

    ``1 - loss' = (1 - loss) x (1 - longest / all) / (1 - 1 / stages)``, ``longest``: the slowest stage's time.
    Definition: of ``c`` chunks all but one wait for the slowest stage, so that ``(1 + (c - 1) x longest / all) / c``
    of the time is left.
    """
    times = [_stage_s(work, each, share) for each, share in zip(own, shares, strict=True)]
    stages = sum(time > 0 for time in times)
    if stages <= 1:
        return replace(work, stages=1), rates
    kept = (1 - max(times) / sum(times)) / (1 - 1 / stages)
    loss = 1 - (1 - rates.overlap_loss_fraction) * kept
    return replace(work, stages=stages), replace(rates, overlap_loss_fraction=loss)


def slowest_stage_loss(layers: Sequence[int], loss: Quantity) -> Quantity:
    """The loss of stages at once where one holds more layers than the others [1].

    ``(1 + loss' x (g - 1) / g) = (1 + loss x (g - 1) / g) x longest x g / all`` for ``g`` stages.
    Definition: stages at once finish a step each as often as the slowest of them.
    """
    stages = len(layers)
    if stages == 1:
        return loss
    part = (stages - 1) / stages
    slower = (1 + loss * part) * max(layers) * stages / sum(layers)
    return (slower - 1) / part


def _stage_s(work: StepWork, rates: Rates, share: StageShare) -> float:
    """Arithmetic of one token on one stage."""
    total = 0.0
    for each in work.linear:
        place = GROUPS.index(each.group)
        total += share.groups[place] * float(each.flops_per_token / rates.linear[place].flops_per_s)
    return total
