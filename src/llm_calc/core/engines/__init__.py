"""How each engine uses a GPU's memory: one small module of rules an engine, behind one interface.

``engine.plan(setup)`` answers where the memory of the fullest GPU goes and what the deployment holds;
``engine.limits(setup)`` what its scheduler allows. Both are pure; a plan takes microseconds once the
weights of a (model, recipe, layout) have been summed up.
"""

from collections.abc import Callable

from llm_calc.core.engines.base import Claim, Engine, GpuBudget, Limits, MemoryPlan, Pool, Setup
from llm_calc.core.engines.generic import Generic
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.mlx import Mlx
from llm_calc.core.engines.sglang import Sglang
from llm_calc.core.engines.traits import UNKNOWN, Traits
from llm_calc.core.engines.trtllm import TrtLlm
from llm_calc.core.engines.vllm import Vllm

__all__ = [
    "ANY_ENGINE",
    "OWN_MACHINE",
    "USUAL",
    "Claim",
    "Engine",
    "Generic",
    "GpuBudget",
    "Limits",
    "LlamaCpp",
    "MemoryPlan",
    "Mlx",
    "Pool",
    "Setup",
    "Sglang",
    "TrtLlm",
    "Vllm",
    "engines_that",
    "kv_capacity_tokens",
    "plan",
    "traits_of",
]

ENGINES: dict[str, type[Vllm] | type[Sglang] | type[TrtLlm] | type[LlamaCpp] | type[Mlx] | type[Generic]] = {
    "vllm": Vllm,
    "sglang": Sglang,
    "trtllm": TrtLlm,
    "llama.cpp": LlamaCpp,
    "mlx": Mlx,
    "generic": Generic,
}
ANY_ENGINE = Generic.name
"""Stands for those without rules of their own."""
USUAL = Vllm.name
"""Taken where a request names none."""
OWN_MACHINE = LlamaCpp.name
"""Starts what is fitted on a machine of one's own."""


def traits_of(name: str | None) -> Traits:
    """What sets an engine apart; of an unknown one nothing is known."""
    found = ENGINES.get(name or "")
    return UNKNOWN if found is None else found.traits


def engines_that(which: Callable[[Traits], bool]) -> tuple[str, ...]:
    """The names of the engines of which this holds."""
    return tuple(name for name, engine in ENGINES.items() if which(engine.traits))


def plan(engine: Engine, setup: Setup) -> MemoryPlan:
    """Where the memory of the fullest GPU goes, and what the deployment can hold [bytes, tokens].

    Definition: the plan of the engine's own rules.
    """
    return engine.plan(setup)


def kv_capacity_tokens(engine: Engine, setup: Setup, context_tokens: float) -> float:
    """Tokens in whole sequences of ``context_tokens`` that the deployment holds at once; 0: none fits [tokens].

    ``floor(sequences that fit) x context``.
    Definition: see :meth:`.base.MemoryPlan.max_concurrency`.
    """
    memory_plan = engine.plan(setup)
    return float(memory_plan.max_concurrency(context_tokens)) * context_tokens
