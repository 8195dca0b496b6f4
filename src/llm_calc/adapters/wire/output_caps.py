"""Options that end each answer of a server after so many tokens."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from llm_calc.adapters.wire.lengths import ClassPart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.workload_rules import most_of
from llm_calc.core.errors import InvalidInputError

OPTION, CAP = "override_generation_config", "max_new_tokens"
"""vLLM's, whose cap holds for the whole server: https://docs.vllm.ai/en/stable/configuration/engine_args/,
``--generation-config``; checked: 2026-11-30, read in quotation."""


class Passes(Protocol):
    """An engine that may be passed what nothing counts."""

    @property
    def further_values(self) -> Mapping[str, object] | None:
        """Options with their values."""
        ...


def check_output(workload: WorkloadPart, engine: Passes | None) -> None:
    """Refuses answers that are longer than the engine lets them become, whoever chose their length.

    Raises:
        InvalidInputError: names both.
    """
    cap = output_cap(engine)
    if cap is None:
        return
    for field, asked, change in _asked(workload):
        if asked > cap:
            msg = (
                f"{field}: {asked} are more than the {cap} after which engine.{OPTION} ({CAP}) ends each "
                f"answer; they must agree{change}"
            )
            raise InvalidInputError(msg, field=field)


def output_cap(engine: Passes | None) -> int | None:
    """Tokens after which a server ends each answer [tokens]; None: it has no such option."""
    return _cap((engine.further_values or {}).get(OPTION)) if engine is not None else None


def _asked(workload: WorkloadPart) -> Iterator[tuple[str, int, str]]:
    """The longest answer of each part of a load by its field, and how a longer one may be cut."""
    if workload.trace is not None:
        yield "workload.trace", round(max(workload.trace.trace.outputs)), "; shorten them in the trace"
        return
    parts: Sequence[ClassPart | WorkloadPart] = workload.classes or (workload,)
    for place, part in enumerate(parts):
        field = f"workload.classes[{place}].output_tokens" if workload.classes else "workload.output_tokens"
        length = part.output_tokens
        if isinstance(length, int):
            unsaid = "output_tokens" not in part.model_fields_set
            yield field, length, "; it is the default, state a shorter one" if unsaid else ""
        else:
            yield field, most_of(length), "; state a distribution that ends there, such as by its max"


def _cap(value: object) -> int | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    cap = value.get(CAP) if isinstance(value, Mapping) else None
    return cap if isinstance(cap, int) and not isinstance(cap, bool) and cap > 0 else None
