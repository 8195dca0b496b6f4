"""Options that end each answer of a server after so many tokens."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from llm_calc.core.errors import InvalidInputError

OPTION, CAP = "override_generation_config", "max_new_tokens"
"""vLLM's, whose cap holds for the whole server: https://docs.vllm.ai/en/stable/configuration/engine_args/,
``--generation-config``; checked: 2026-11-30, read in quotation."""


def check_output(workload: Mapping[str, Any], engine: Mapping[str, Any]) -> None:
    """Refuses answers that are longer than the engine lets them become.

    Raises:
        InvalidInputError: names both.
    """
    cap = _cap(engine.get(OPTION))
    asked = max(_asked(workload), default=0)
    if cap is not None and asked > cap:
        msg = (
            f"workload.output_tokens: {asked:g} are more than the {cap} after which engine.{OPTION} ({CAP}) ends each "
            "answer; they must agree"
        )
        raise InvalidInputError(msg, field="workload.output_tokens")


def _asked(workload: Mapping[str, Any]) -> Iterator[float]:
    """Lengths of answers that a workload, or a class of it, states: numbers, means and bounds of distributions."""
    classes = workload.get("classes")
    listed = classes if isinstance(classes, (list, tuple)) else ()
    for part in (workload, *(each for each in listed if isinstance(each, Mapping))):
        said = part.get("output_tokens")
        for each in (said.get("mean"), said.get("max")) if isinstance(said, Mapping) else (said,):
            if isinstance(each, (int, float)):
                yield float(each)


def _cap(value: object) -> int | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    cap = value.get(CAP) if isinstance(value, Mapping) else None
    return cap if isinstance(cap, int) and not isinstance(cap, bool) and cap > 0 else None
