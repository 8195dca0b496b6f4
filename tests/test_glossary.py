"""Every word that answers use for a kind of something is explained in the glossary."""

import inspect as inspect_module
import re
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import pytest

from llm_calc.adapters.wire import documented_analyses, documented_responses, inspect, parts, plans, serving
from llm_calc.adapters.wire.limits import Percentile
from tools.doc_examples import DOCS

GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
EXPLAINED = set(re.findall(r"`([^`\n]+)`", GLOSSARY))
WORKLOAD_LOAD = inspect_module.getattr_static(parts.WorkloadPart, "load").fget
FIELDS = {
    "bound of an operator": serving.OperatorRow.model_fields["bound"].annotation,
    "phase of an operator": serving.OperatorRow.model_fields["phase"].annotation,
    "status of an interval": serving.Interval.model_fields["status"].annotation,
    "kind of basis": serving.BasisKind,
    "bound of a calculation": documented_responses.FullPerformance.model_fields["bound"].annotation,
    "strategy": documented_responses.StrategyName,
    "level": documented_analyses.ScalingOption.model_fields["implementation_complexity"].annotation,
    "confidence": inspect.InspectResponse.model_fields["confidence"].annotation,
    "load": get_type_hints(WORKLOAD_LOAD)["return"],
    "objective": plans.Objective,
    "percentile": Percentile,
}
FIGURES = ("ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s", "output_tokens_per_s_per_user")
TERMS = (
    *("TTFT", "TPOT", "KV cache", "prefill", "decode", "concurrency", "tensor parallel", "pipeline parallel"),
    *("expert parallel", "data parallel", "interval", "basis", "bound", "roofline", "replica", "headroom"),
    *("CUDA graphs", "framework", "activations", "unallocated", "Pareto front", "break-even", "held out"),
    *("speculative decoding", "disaggregated", "usable memory", "most at once", "shared prefix"),
)


@pytest.mark.parametrize("kind", FIELDS)
def test_every_value_is_explained(kind: str) -> None:
    field = FIELDS[kind]
    words = field.__origin__ if get_origin(field) is Annotated else field  # beside how people write them
    assert get_origin(words) is Literal
    assert set(get_args(words)) - EXPLAINED == set()


def test_headline_figures_are_explained() -> None:
    assert set(FIGURES) <= EXPLAINED
    assert set(FIGURES) <= set(plans.Plan.model_fields)


def test_every_term_has_one_definition() -> None:
    blocks = re.findall(r"```\{glossary\}\n(.*?)```", GLOSSARY, re.DOTALL)
    defined = [line for block in blocks for line in block.splitlines() if line and not line.startswith(" ")]
    assert len(defined) == len(set(defined))
    assert set(TERMS) - set(defined) == set()
