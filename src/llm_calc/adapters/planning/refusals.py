"""Why a kind of GPU has no plan, with the numbers that decide."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llm_calc.adapters.planning.choices import Choice, comes_alone
from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.rows import Candidates
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.runs_on import names_models, runs_at_all
from llm_calc.adapters.units import gib
from llm_calc.core.engines import OWN_MACHINE
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.names import counted
from llm_calc.core.planning.bounded import is_unknown

LIMIT_WORDS = {
    "ttft_s": "the first token takes at least",
    "tpot_s": "a further token takes at least",
    "request_latency_s": "a request takes at least",
}
NO_ROOM = 1e9
"""How far a GPU is from a plan on which the model has no room: farther than any that is only too slow [1]."""
OFFLINE_WORDS = " where, as offline, as many requests run at once as fit (concurrency names fewer)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """All candidates of a search with their splits, and those that may keep the limits."""

    search: Search
    model: Model
    options: tuple[Choice, ...]
    candidates: tuple[Candidates, ...]

    def of(self, gpu: Gpu) -> "list[_Found]":
        """The rows of a GPU, by family of kernels."""
        found = (_Found(each, gpu, self.search) for each in self.candidates)
        return [each for each in found if len(each.places)]

    @cached_property
    def tried(self) -> Mapping[str, Sequence[Evaluated | None]]:
        """What was estimated in full, by GPU."""
        found: dict[str, list[Evaluated | None]] = {}
        for row, plan in self.search.done.items():
            found.setdefault(row.gpu.id, []).append(plan)
        return found


def refusal_reason(gpu: Gpu, searched: Searched) -> tuple[float, str]:
    """How far a GPU is from a plan, and why: behind those shown, too many GPUs, too slow by a factor, no room.

    Too many or too dear is 1, too slow the factor by which a limit on time is missed.
    """
    if not gpu.peaks:
        return math.inf, "no dense rates of its arithmetic are published"
    refused = [option.refusal(gpu) for option in searched.options]
    if all(refused):
        return math.inf, "; ".join(dict.fromkeys(reason for reason in refused if reason))
    found = searched.of(gpu)
    if any(len(each.possible) for each in found):
        return 0.0, _behind(gpu, searched, found)
    if not found:
        return NO_ROOM, _too_small(gpu, searched)
    return _too_slow(found, searched.search) or (1.0, _too_many(found, gpu, searched.search))


class _Found:
    """The rows of one GPU among candidates; ``possible``: places of those that may keep all limits."""

    def __init__(self, candidates: Candidates, gpu: Gpu, search: Search) -> None:
        self.candidates, self.search = candidates, search
        self.rows, self.split = candidates.rows, candidates.split
        self.places = self.rows.of(gpu)
        self.possible = self.places[self.split.possible[self.places, 0] > 0]

    @property
    def score(self) -> float:
        """The best bound of the possible ones."""
        return float(self.candidates.order[self.possible, 0].min(initial=math.inf))

    def least(self, values: object) -> float:
        """The least of some figures over all rows of the candidates."""
        return float(np.min(np.broadcast_to(np.asarray(values), self.rows.gpus.shape)[self.places, 0]))


def _too_small(gpu: Gpu, searched: Searched) -> str:
    sizes = [
        weights_bytes(searched.model, option.precision.numbers.recipe)
        for option in searched.options
        if option.refusal(gpu) is None
    ]
    most = 1 if comes_alone(gpu) else int(searched.search.scene.limits.gpus)
    tokens = searched.search.scene.context_tokens
    return (
        f"weights of {gib(min(sizes)):.1f} GiB and one request of {tokens} tokens do not fit on any layout of up to "
        f"{counted(most, 'GPU')} of {gib(gpu.usable_memory_bytes):.1f} GiB{_beside_the_host(gpu, searched.model)}"
    )


def _beside_the_host(gpu: Gpu, model: Model) -> str:
    """What plans leave out, where llama.cpp may keep the rest in a memory of the host's own."""
    if gpu.unified_memory or not (
        runs_at_all(OWN_MACHINE, gpu) and names_models(OWN_MACHINE, model.model_type)
    ):
        return ""
    return "; plans keep no weights in the host's memory, fit does (/api/fit, llm-calc fit, by llama.cpp)"


def _too_slow(found: Sequence[_Found], search: Search) -> tuple[float, str] | None:
    """A limit on time that no layout keeps even for a single request; offline, with as many at once as it holds.

    With the factor by which it is missed.
    """
    scene = search.scene
    when = OFFLINE_WORDS if search.load.kind == "offline" else ", even for a single request"
    for name, words in LIMIT_WORDS.items():
        limit = getattr(scene.limits, name)
        if math.isinf(limit):
            continue
        least = min(each.least(getattr(each.candidates.alone, name)) for each in found)
        if least > limit:
            return least / limit, f"{words} {least:.4g} s{when}; the limit is {limit:g} s"
    return None


def _too_many(found: Sequence[_Found], gpu: Gpu, search: Search) -> str:
    """More GPUs or rent than allowed; or no load that keeps all limits at once."""
    limits = search.scene.limits
    spare = search.scene.spare_replicas
    least = min(each.least((each.split.least + spare) * each.rows.gpus) for each in found)
    if not math.isfinite(least):
        return "no layout keeps all limits on time at once"
    if least > limits.gpus:
        return f"the load takes at least {counted(round(least), 'GPU')}; the limit is {limits.gpus:g}"
    price = search.prices[gpu.id]
    if price is None and math.isfinite(limits.usd_per_hour):
        return "no price of this kind of rent is known; give one in prices to hold it against limits.usd_per_hour"
    if price is not None and least * price.usd_per_gpu_hour > limits.usd_per_hour:
        usd = least * price.usd_per_gpu_hour
        return f"the load takes at least {usd:.2f} USD per hour; the limit is {limits.usd_per_hour:g}"
    return "no layout keeps all limits at once"


def _behind(gpu: Gpu, searched: Searched, found: Sequence[_Found]) -> str:
    """It may keep the limits; the engine's memory or a full estimate says otherwise, or others are better."""
    search, tried = searched.search, searched.tried.get(gpu.id, ())
    own = sum(len(each.possible) for each in found)
    if any(tried):
        return "keeps all limits, but ranks behind the plans shown; ask for more with max_plans"
    if len(tried) == own:
        return (
            f"none of the {own} layouts that looked possible keeps all limits and starts once memory and load are "
            "worked out in full"
        )
    if tried:
        return (
            f"the {len(tried)} best-looking of {own} layouts break a limit or do not start once memory and load "
            "are worked out in full; the others were not tried"
        )
    if is_unknown(min(each.score for each in found)):
        return f"may keep all limits, but {UNKNOWN[search.objective]}; choose another objective"
    if search.named:
        return "may keep all limits, but ranks behind the plans shown; ask for more with max_plans"
    return (
        "may keep all limits, but ranks behind the plans shown; name it in gpus to have it estimated in full"
    )


UNKNOWN = {
    "cost": "no price of this kind of rent is known of it, by which plans are ranked: give one in prices",
    "budget": "no price of this kind of rent is known of it, by which plans are ranked: give one in prices",
    "energy": "its power is not known, by which plans are ranked",
}


def refusals(gpus: Sequence[Gpu], planned: frozenset[str], searched: Searched) -> Iterator[tuple[str, str]]:
    """Id and reason of every GPU that no plan uses, those nearest to a plan first."""
    found = [(gpu.id, refusal_reason(gpu, searched)) for gpu in gpus if gpu.id not in planned]
    for gpu, (_, reason) in sorted(found, key=lambda each: each[1][0]):
        yield gpu, reason
