"""Ways to spread a model over GPUs, compared: GPUs needed, memory on each, communication a step.

Volumes for one decode step of ``batch`` tokens with hidden width h and b bytes an element, n GPUs:

====================  ==========================================================================
tensor                two all-reduces a layer, each ``2 (n-1)/n x batch x h x b`` a GPU
pipeline              ``n-1`` hand-overs of ``batch x h x b``, one after another
sequence              one exchange of partial attention results a layer, ``(n-1)/n x batch x h x b``
expert                two all-to-alls a mixture layer, each ``(n-1)/n x batch x k x h x b`` over n GPUs
====================  ==========================================================================

Sources: ``doc/PERFORMANCE.md`` of NVIDIA's nccl-tests for the volumes of all-reduce, reduce-scatter and all-to-all;
vLLM 0.33.0 ``v1/attention/ops/dcp.py``, ``cp_lse_ag_out_rs``, for partial results, which are reduced and scattered;
checked: 2026-11-30, read.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from llm_calc.core.footprint import Footprint, Numbers, Overheads, Split, gpu_footprint
from llm_calc.core.hardware import Link
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.recommend import fits, tensor_sizes

Strategy = Literal["tensor", "pipeline", "sequence", "tensor_pipeline", "expert"]
Level = Literal["low", "medium", "high"]

LOW_S, HIGH_S = 0.25e-3, 2e-3
"""Communication of a decode step below the first is low, above the second high (a step takes 5 to 50 ms)."""

COMPLEXITY: dict[Strategy, Level] = {
    "tensor": "medium",
    "pipeline": "high",
    "sequence": "high",
    "tensor_pipeline": "high",
    "expert": "high",
}
MAX_GPUS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One strategy at the fewest GPUs that hold the model; ``split`` is None where none does."""

    strategy: Strategy
    split: Split | None
    footprint: Footprint | None
    communication_s: float | None
    reason: str = ""

    @property
    def communication(self) -> Level | None:
        """Low, medium or high, by seconds a decode step."""
        if self.communication_s is None:
            return None
        return (
            "low" if self.communication_s < LOW_S else "medium" if self.communication_s < HIGH_S else "high"
        )


def _powers(limit: int) -> Iterator[int]:
    size = 1
    while size <= limit:
        yield size
        size *= 2


def _splits(model: Model, strategy: Strategy, gpus_per_node: int) -> Iterator[Split]:
    """Ever larger splits of one strategy."""
    if strategy == "tensor":
        yield from (Split(layout=Layout(tensor=size)) for size in tensor_sizes(model, MAX_GPUS))
    elif strategy == "pipeline":
        yield from (Split(layout=Layout(pipeline=size)) for size in range(1, model.num_layers + 1))
    elif strategy == "sequence":
        yield from (Split(sequence=size) for size in _powers(MAX_GPUS))
    elif strategy == "tensor_pipeline":
        widest = tensor_sizes(model, gpus_per_node)[-1]
        yield from (
            Split(layout=Layout(tensor=widest, pipeline=size)) for size in range(1, model.num_layers + 1)
        )
    else:
        sizes = [size for size in _powers(MAX_GPUS) if model.num_experts % size == 0]
        yield from (Split(layout=Layout(data=size, expert=size)) for size in sizes)


def communication_s(model: Model, split: Split, batch: int, bytes_per_element: float, link: Link) -> float:
    """Time that one decode step spends in collectives [s].

    ``sum of messages x (latency + volume / link bandwidth)``, with messages and volumes of the table at the head of
    this module.
    Sources: ``doc/PERFORMANCE.md`` of NVIDIA's nccl-tests, ``overhead + size / bandwidth`` and ``2 (n-1)/n`` for an
    all-reduce; vLLM 0.33.0 ``model_executor/layers/linear.py``, ``RowParallelLinear``, for two of them a layer;
    checked: 2026-11-30, read.
    Leaves out: overlap with computing, links of several kinds in one group, latency that grows with the group.
    """
    layout, message = split.layout, batch * model.hidden * bytes_per_element
    steps = (
        (2 * model.num_layers, 2 * _others(layout.tensor) * message, layout.tensor),
        (layout.pipeline - 1, message, layout.pipeline),
        (model.num_layers, _others(split.sequence) * message, split.sequence),
        (
            2 * _expert_layers(model),
            _others(layout.expert) * message * _routed(model) / layout.expert,
            layout.expert,
        ),
    )
    return sum(
        count * (link.latency_s + volume / link.bytes_per_s_per_gpu_each_way)
        for count, volume, ways in steps
        if ways > 1
    )


def _others(ways: int) -> float:
    return (ways - 1) / ways


def _expert_layers(model: Model) -> int:
    """Layers that route, however many tensors their routers have."""
    return len({index for p in model.placed if p.weight.component == "experts" for index in p.indices})


def _routed(model: Model) -> float:
    return max((p.weight.used for p in model.placed if p.weight.component == "experts"), default=0)


def compare_strategies(
    model: Model,
    numbers: Numbers,
    overheads: Overheads,
    *,
    batch: int,
    tokens: int,
    usable_bytes: float,
    link: Link,
    gpus_per_node: int = 8,
) -> tuple[Option, ...]:
    """Each strategy at the fewest GPUs that hold the model, expert only for a mixture of experts [GPUs, bytes, s].

    Definition: ever larger splits of each strategy until :func:`.recommend.fits` holds; communication as
    :func:`communication_s`.
    """
    strategies: list[Strategy] = ["tensor", "pipeline", "sequence", "tensor_pipeline"]
    if model.num_experts:
        strategies.append("expert")

    def place(split: Split) -> Footprint:
        return gpu_footprint(model, numbers, split, batch, tokens)

    width = numbers.activations.bytes_per_element
    return tuple(
        _smallest(
            strategy,
            _splits(model, strategy, gpus_per_node),
            place,
            overheads,
            usable_bytes,
            _cost(model, batch, width, link),
        )
        for strategy in strategies
    )


def _cost(model: Model, batch: int, width: float, link: Link) -> Callable[[Split], float]:
    return lambda split: communication_s(model, split, batch, width, link)


def _smallest(
    strategy: Strategy,
    splits: Iterator[Split],
    place: Callable[[Split], Footprint],
    overheads: Overheads,
    usable_bytes: float,
    cost: Callable[[Split], float],
) -> Option:
    ordered = list(splits)

    def holds(index: int) -> bool:
        return fits(place(ordered[index]), overheads, usable_bytes)

    first = first_index(holds, len(ordered))
    if first < len(ordered):
        split = ordered[first]
        return Option(strategy=strategy, split=split, footprint=place(split), communication_s=cost(split))
    tried = ordered[-1].gpus
    reason = f"does not fit on any number of GPUs up to {tried}"
    return Option(strategy=strategy, split=None, footprint=None, communication_s=None, reason=reason)


def first_index(holds: Callable[[int], bool], count: int) -> int:
    """The first of ``count`` indices that holds, ``count`` where none does [1]; later ones must hold as well.

    Galloping, then bisection: about ``2 x log2(index)`` tries.
    Definition: the search itself. Exact where the condition is monotone: more stages or ranks never need more memory
    on the fullest GPU, but for the few layers by which uneven stages differ.
    """
    low, high = 0, 1
    while high < count and not holds(high - 1):
        low, high = high, 2 * high
    high = min(high, count)
    return bisect_left(range(high), True, lo=low, key=holds)  # noqa: FBT003 - the sought value
