"""Why a kind of GPU has no plan, with the numbers that decide."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llm_calc.adapters.planning.choices import Choice, comes_alone
from llm_calc.adapters.planning.rows import Rows
from llm_calc.adapters.planning.search import Bound, Search
from llm_calc.adapters.units import gib
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.planning.bounds import under_load
from llm_calc.core.planning.split import Split, shape_of
from llm_calc.core.serving.estimate import Estimate

LIMIT_WORDS = {
    "ttft_s": "the first token takes at least",
    "tpot_s": "a further token takes at least",
    "request_latency_s": "a request takes at least",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """All candidates of a search with their splits, and those that may keep the limits."""

    search: Search
    model: Model
    options: tuple[Choice, ...]
    rows: tuple[Rows, ...]
    splits: tuple[Split, ...]
    candidates: tuple[Bound, ...]

    @cached_property
    def alone(self) -> tuple[Estimate, ...]:
        """Every row under a single request (offline: as in its split)."""
        return tuple(self._alone(rows) for rows in self.rows)

    def _alone(self, rows: Rows) -> Estimate:
        kind = self.search.load.kind
        shape = kind if kind == "offline" else shape_of(kind, rows.family)
        return under_load(rows.deployment, shape, self.search.scene.lengths, np.ones((len(rows.rows), 1)))

    @cached_property
    def possible(self) -> Mapping[str, Sequence[Bound]]:
        """Candidates that may keep all limits, by GPU."""
        found: dict[str, list[Bound]] = {}
        for bound in self.candidates:
            found.setdefault(bound.row.gpu.id, []).append(bound)
        return found


def refusal_reason(gpu: Gpu, searched: Searched) -> str:
    """The first of: no rates, no engine, no room, too slow, too many GPUs or too dear, behind the plans shown."""
    if not gpu.peaks:
        return "no dense rates of its arithmetic are published"
    refused = [option.refusal(gpu) for option in searched.options]
    if all(refused):
        return "; ".join(dict.fromkeys(reason for reason in refused if reason))
    if gpu.id in searched.possible:
        return _behind(gpu, searched)
    groups = zip(searched.rows, searched.splits, searched.alone, strict=True)
    found = [each for rows, split, alone in groups if len((each := _Found(rows, split, alone, gpu)).places)]
    if not found:
        return _too_small(gpu, searched)
    return _too_slow(found, searched.search) or _too_many(found, gpu, searched.search)


class _Found:
    """The rows of one GPU in a group of rows."""

    def __init__(self, rows: Rows, split: Split, alone: Estimate, gpu: Gpu) -> None:
        self.rows, self.split, self.alone = rows, split, alone
        self.places = rows.places.get(gpu.id, np.array([], dtype=np.intp))

    def least(self, values: object) -> float:
        """The least of some figures over the rows of this GPU."""
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
        f"{most} GPUs of {gib(gpu.usable_memory_bytes):.1f} GiB"
    )


def _too_slow(found: Sequence[_Found], search: Search) -> str:
    """A limit on time that no layout keeps even for a single request."""
    scene = search.scene
    for name, words in LIMIT_WORDS.items():
        limit = getattr(scene.limits, name)
        if math.isinf(limit):
            continue
        least = min(each.least(getattr(each.alone, name)) for each in found)
        if least > limit:
            return f"{words} {least:.4g} s, even for a single request; the limit is {limit:g} s"
    return ""


def _too_many(found: Sequence[_Found], gpu: Gpu, search: Search) -> str:
    """More GPUs or rent than allowed; or no load that keeps all limits at once."""
    limits = search.scene.limits
    least = min(each.least(each.split.replicas * each.rows.gpus) for each in found)
    if not math.isfinite(least):
        return "no layout keeps all limits on time at once"
    if least > limits.gpus:
        return f"the load takes at least {least:.0f} GPUs; the limit is {limits.gpus:g}"
    price = search.prices[gpu.id]
    if price is None and math.isfinite(limits.usd_per_hour):
        return "no rental price is known; give one in prices to hold it against limits.usd_per_hour"
    if price is not None and least * price.usd_per_gpu_hour > limits.usd_per_hour:
        usd = least * price.usd_per_gpu_hour
        return f"the load takes at least {usd:.2f} USD per hour; the limit is {limits.usd_per_hour:g}"
    return "no layout keeps all limits at once"


def _behind(gpu: Gpu, searched: Searched) -> str:
    """It may keep the limits; the engine's memory or a full estimate says otherwise, or others are better."""
    own, search = searched.possible[gpu.id], searched.search
    tried = [bound for bound in own if id(bound) in search.done]
    if any(search.done[id(bound)] for bound in tried):
        return "keeps all limits, but ranks behind the plans shown; ask for more with max_plans"
    if len(tried) == len(own):
        return (
            f"none of the {len(own)} layouts that looked possible keeps all limits and starts once memory and load are "
            "worked out in full"
        )
    if tried:
        return (
            f"the {len(tried)} best-looking of {len(own)} layouts break a limit or do not start once memory and load "
            "are worked out in full; the others were not tried"
        )
    if not math.isfinite(min(bound.score for bound in own)):
        return f"may keep all limits, but {UNKNOWN[search.objective]}; choose another objective"
    if search.named:
        return "may keep all limits, but ranks behind the plans shown; ask for more with max_plans"
    return (
        "may keep all limits, but ranks behind the plans shown; name it in gpus to have it estimated in full"
    )


UNKNOWN = {
    "cost": "no rental price of it is known, by which plans are ranked: give one in prices",
    "budget": "no rental price of it is known, by which plans are ranked: give one in prices",
    "energy": "its power is not known, by which plans are ranked",
}


def refusals(gpus: Sequence[Gpu], planned: frozenset[str], searched: Searched) -> Iterator[tuple[str, str]]:
    """Id and reason of every GPU that no plan uses."""
    for gpu in gpus:
        if gpu.id not in planned:
            yield gpu.id, refusal_reason(gpu, searched)
