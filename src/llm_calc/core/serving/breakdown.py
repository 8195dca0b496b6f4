"""A step taken apart: what each operator does on one GPU, how long it takes, and which roof decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.batch import Lengths, decode_seconds, prefill_seconds
from llm_calc.core.serving.estimate import Deployment, Estimate
from llm_calc.core.serving.machine import overlapped, pair_seconds
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.step import (
    StepLoad,
    collective_seconds,
    collective_tokens,
    context_keys,
    context_seconds,
    host_seconds,
    launch_seconds,
    linear_seconds,
    linear_tokens,
    own_sequences,
    prompt_attention_seconds,
    touched_fraction,
    with_launches,
)

HOST = "layers and experts on the host"
Bound = Literal["compute", "memory", "communication", "launch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """One operator: FLOPs, bytes to and from memory, bytes to other GPUs, seconds, and what bounds it."""

    name: str
    flops: float
    bytes_moved: float
    message_bytes: float
    seconds: float
    bound: Bound


def least_step_seconds(work: StepWork, bytes_per_s: float, *, experts_are_dealt: bool) -> float:
    """What no step falls below: one token's weights, once from memory at its peak [s].

    ``sum of weight_bytes x (k / E, dense: 1) / bytes_per_s``.
    Definition: the roof of the memory. Experts that are dealt over GPUs may all lie with others and do not count.
    Leaves out: caches, activations, arithmetic, exchange and launches.
    """
    read = (
        float(each.weight_bytes * touched_fraction(each, 1.0, 1.0))
        for each in work.linear
        if not (experts_are_dealt and each.group == "experts")
    )
    return sum(read) / bytes_per_s


def operator_times(work: StepWork, load: StepLoad, rates: Rates) -> tuple[OperatorTime, ...]:
    """Every operator of one step [s, bytes, FLOP], those of one name in all layers together.

    Their seconds add up to the step's.
    ``launches = max(step_seconds - sum of operators, launch_seconds)``: what a step without captured graphs takes
    beyond its operators stands there.
    Definition: the terms of :func:`.step.step_seconds` by name; the bound is the larger of an operator's two times,
    where layers differ in that of those that take longer.
    """
    rows = [
        *_linear(work, load, rates),
        *_context(work, load, rates),
        *_collectives(work, load, rates),
        *_host(work, load, rates),
    ]
    operators = sum(row.seconds for row in rows)
    rest = float(with_launches(operators, work, load, rates)) - operators
    launches = max(rest, float(launch_seconds(work, load, rates)))
    return (*_by_name(rows), _operator("launches, scheduler and small kernels", launches, "launch"))


def step_of(
    deployment: Deployment, lengths: Lengths, running: float, found: Estimate, *, alone: bool
) -> float:
    """The decode step that a time per token rests on; ``alone``: no prompt of another request comes between [s].

    ``tpot x tokens gained / step factor``; else ``step x offset``, at most that.
    Definition: the inverse of :meth:`.speculation.Draft.seconds_per_token`.
    """
    draft = deployment.draft
    most = float(found.tpot_s) * draft.tokens_per_step / draft.step_factor
    step = decode_seconds(deployment.work, deployment.rates, running, lengths, draft.checked_tokens)
    own = float(step * deployment.offsets.tpot)
    return most if alone and most > 0 else min(own, most or own)


def prefill_of(deployment: Deployment, lengths: Lengths, found: Estimate) -> float:
    """The prefill of one prompt that a time to first token rests on [s].

    ``min(prefill x offset, ttft)``.
    Definition: what is left of the first token's time are waits and the server's own.
    """
    own = float(prefill_seconds(deployment.work, deployment.rates, 1.0, lengths) * deployment.offsets.ttft)
    return min(own, float(found.ttft_s) or own)


def adding_up(rows: Sequence[OperatorTime], seconds: float, bytes_per_s: float) -> tuple[float, ...]:
    """The times of operators, scaled so that they add up to a phase, none faster than its bytes [s].

    ``max(factor x time, bytes / bytes_per_s)``, the factor so that they add up; where the bytes alone take longer than
    the phase, ``time x seconds / sum``.
    Choice: what a measured stack took otherwise than its operators' fitted times is spread evenly over them.
    Leaves out: which of them took it; the host's bytes, which come from its own memory.
    """
    least = [0.0 if row.name == HOST else min(row.bytes_moved / bytes_per_s, row.seconds) for row in rows]
    if sum(least) > seconds:
        least = [0.0] * len(rows)
    kept: frozenset[int] = frozenset()
    for _ in rows:
        moved = sum(row.seconds for place, row in enumerate(rows) if place not in kept)
        factor = (seconds - sum(least[place] for place in kept)) / moved if moved else 0.0
        below = frozenset(place for place, row in enumerate(rows) if row.seconds * factor < least[place])
        if below <= kept:
            break
        kept |= below
    return tuple(least[place] if place in kept else row.seconds * factor for place, row in enumerate(rows))


def _by_name(rows: list[OperatorTime]) -> Iterator[OperatorTime]:
    """The rows of each name as one."""
    alike: dict[str, list[OperatorTime]] = {}
    for row in rows:
        alike.setdefault(row.name, []).append(row)
    for same in alike.values():
        yield same[0] if len(same) == 1 else _together(same)


def _together(alike: list[OperatorTime]) -> OperatorTime:
    """The sums of some rows of one name."""
    bounds = {row.bound: sum(each.seconds for each in alike if each.bound == row.bound) for row in alike}
    return OperatorTime(
        name=alike[0].name,
        flops=sum(row.flops for row in alike),
        bytes_moved=sum(row.bytes_moved for row in alike),
        message_bytes=sum(row.message_bytes for row in alike),
        seconds=sum(row.seconds for row in alike),
        bound=max(bounds, key=lambda bound: bounds[bound]),
    )


def _operator(
    name: str,
    seconds: float,
    bound: Bound,
    flops: float = 0.0,
    bytes_moved: float = 0.0,
    message: float = 0.0,
) -> OperatorTime:
    return OperatorTime(
        name=name, flops=flops, bytes_moved=bytes_moved, message_bytes=message, seconds=seconds, bound=bound
    )


def _linear(work: StepWork, load: StepLoad, rates: Rates) -> Iterator[OperatorTime]:
    for matrix in work.linear:
        tokens = float(linear_tokens(matrix, load))
        touched = float(touched_fraction(matrix, tokens, rates.routing_exponent))
        moved_s, compute_s = map(float, linear_seconds(matrix, tokens, rates, touched))
        moved = float(matrix.weight_bytes) * touched + tokens * float(matrix.activation_bytes_per_token)
        seconds = float(overlapped(moved_s, compute_s, rates.kernels.overlap_exponent))
        name = f"experts {matrix.name}" if matrix.group == "experts" else matrix.name
        yield _operator(
            name, seconds, _larger(moved_s, compute_s), tokens * float(matrix.flops_per_token), moved
        )


def _context(work: StepWork, load: StepLoad, rates: Rates) -> Iterator[OperatorTime]:
    for context in work.context:
        if load.sequences:
            moved_s, compute_s = (
                float(each) for each in context_seconds(context, work.sequence_share, load, rates)
            )
            keys = float(context_keys(context, work.sequence_share, load))
            flops = keys * float(load.tokens_per_sequence * context.decode_flops_per_key)
            seconds = float(overlapped(moved_s, compute_s, rates.kernels.overlap_exponent))
            yield _operator(
                context.name,
                seconds,
                _larger(moved_s, compute_s),
                flops,
                keys * float(context.kv_bytes_per_key),
            )
        if load.prompt_tokens:
            seconds = float(prompt_attention_seconds(context, work, load, rates))
            each_s = float(pair_seconds(context, rates))
            pairs = seconds / each_s if each_s else 0.0
            flops, moved = (
                pairs * float(each)
                for each in (context.prefill_flops_per_pair, context.prefill_bytes_per_pair)
            )
            yield _operator(f"{context.name}, prompt", seconds, "compute", flops, moved)
    if work.state_bytes and load.sequences:
        moved = 2.0 * float(work.state_bytes * own_sequences(work.sequence_share, load))
        yield _operator("recurrent state", moved / float(rates.state_bytes_per_s), "memory", 0.0, moved)


def _host(work: StepWork, load: StepLoad, rates: Rates) -> Iterator[OperatorTime]:
    """All that the host does, as one: its bytes, of experts those that tokens visit, come from its own memory."""
    if work.host is None or rates.host is None:
        return
    routing = rates.host.rates.routing_exponent
    moved = sum(
        float(matrix.weight_bytes * touched_fraction(matrix, float(linear_tokens(matrix, load)), routing))
        for matrix in work.host.linear
    )
    flops = sum(float(linear_tokens(matrix, load) * matrix.flops_per_token) for matrix in work.host.linear)
    seconds = float(host_seconds(work, load, rates))
    yield _operator(HOST, seconds, "memory", flops, moved)


def _collectives(work: StepWork, load: StepLoad, rates: Rates) -> Iterator[OperatorTime]:
    for collective in work.collectives:
        if collective.decoding_only and not load.sequences:
            continue
        message = float(collective_tokens(collective, load) * collective.calls * collective.bytes_per_token)
        seconds = float(collective_seconds(collective, load, rates))
        yield _operator(collective.name, seconds, "communication", message=message)


def _larger(moved_s: float, compute_s: float) -> Bound:
    return "memory" if moved_s >= compute_s else "compute"
