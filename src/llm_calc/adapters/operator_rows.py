"""What the time of a step consists of, operator by operator."""

from collections.abc import Iterator

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.wire.serving import OperatorRow
from llm_calc.core.arrays import Quantity
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.breakdown import operator_times
from llm_calc.core.serving.step import StepLoad


def operator_rows(lengths: Lengths, placed: Placed, together: Quantity) -> Iterator[OperatorRow]:
    """One decode step of what runs at once, on all replicas together, and the prefill of one prompt."""
    draft = placed.deployment.draft
    running = max(1.0, float(together) / placed.replicas / float(placed.operators.stages))
    start, new = float(lengths.input_tokens), float(lengths.new_tokens)
    decode = StepLoad(
        sequences=running,
        context_start=start,
        context_end=start + float(lengths.output_tokens),
        tokens_per_sequence=draft.checked_tokens,
    )
    prefill = StepLoad(prompt_tokens=new, prompts=1.0, prompt_start=float(lengths.cached_tokens))
    for phase, load in (("decode", decode), ("prefill", prefill)):
        for row in operator_times(placed.operators, load, placed.deployment.rates):
            yield OperatorRow(
                name=row.name,
                phase=phase,
                flops=row.flops,
                bytes=row.bytes_moved,
                message_bytes=row.message_bytes,
                seconds=row.seconds,
                bound=row.bound,
            )
