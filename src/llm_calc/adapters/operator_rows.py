"""What the time of a step consists of, operator by operator."""

from collections.abc import Iterator
from typing import Literal

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.wire.serving import OperatorRow
from llm_calc.core.arrays import Quantity
from llm_calc.core.serving.batch import Lengths, share_of, stages_at_once
from llm_calc.core.serving.breakdown import (
    OperatorTime,
    adding_up,
    operator_times,
    prefill_of,
    step_of,
)
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.step import StepLoad


def operator_rows(
    lengths: Lengths,
    placed: Placed,
    found: Estimate,
    together: Quantity,
    *,
    alone: bool,
    in_one: bool = False,
) -> Iterator[OperatorRow]:
    """One decode step of what runs at once, on all replicas together, and the prefill of one prompt.

    Their seconds add up to the step and the prefill that the answer's times rest on. ``alone``: no other request's
    prompt comes between steps; ``in_one``: all are one batch, whichever stages there are.
    """
    deployment, at_once = placed.deployment, max(1.0, float(together) / placed.replicas)
    stages = 1.0 if in_one else stages_at_once(deployment.work, deployment.rates)
    running = float(share_of(at_once, stages))
    start, new = float(lengths.input_tokens), float(lengths.new_tokens)
    decode = StepLoad(
        sequences=running,
        context_start=start,
        context_end=start + float(lengths.output_tokens),
        tokens_per_sequence=deployment.draft.checked_tokens,
    )
    prefill = StepLoad(prompt_tokens=new, prompts=1.0, prompt_start=float(lengths.cached_tokens))
    step_s = step_of(deployment, lengths, running, found, alone=alone)
    prompt_s = prefill_of(deployment, lengths, found)
    yield from _rows(placed, decode, step_s, "decode")
    yield from _rows(placed, prefill, prompt_s, "prefill")


def _rows(
    placed: Placed, load: StepLoad, whole_s: float, phase: Literal["prefill", "decode"]
) -> Iterator[OperatorRow]:
    setup, rows = placed.subject.setup, operator_times(placed.operators, load, placed.deployment.rates)
    fastest = max(gpu.memory_bandwidth_bytes_per_s for gpu in setup.unlike or (setup.gpu,))
    for row, seconds in zip(rows, adding_up(rows, whole_s, fastest), strict=True):
        yield _row(row, seconds, phase)


def _row(row: OperatorTime, seconds: float, phase: Literal["prefill", "decode"]) -> OperatorRow:
    return OperatorRow(
        name=row.name,
        phase=phase,
        flops=row.flops,
        bytes=row.bytes_moved,
        message_bytes=row.message_bytes,
        seconds=seconds,
        bound=row.bound,
    )
