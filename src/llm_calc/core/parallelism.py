"""How a model is split over GPUs, as serving engines split it.

Tensor parallelism cuts matrices by heads, by feed-forward width or by vocabulary; whatever has fewer pieces
than GPUs (KV heads, a latent cache) is replicated, never divided further. Pipeline parallelism deals layers
to stages; the first stage holds the embedding, the last the head. Data parallelism of attention replicates
attention and splits the sequences, while the experts are spread over all of its GPUs. Expert parallelism
deals whole experts.

Sources: vLLM 0.33.0 ``model_executor/layers/linear.py``, ``fused_moe/config.py`` and ``distributed/utils.py``; its
documentation, "Parallelism and Scaling", "Data Parallel Deployment" and "Expert Parallel Deployment"; checked:
2026-11-30, read. Cutting by columns, then by rows, is the idea of Megatron-LM (arXiv:1909.08053).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from llm_calc.core.arrays import Quantity, ceil_div, larger
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model, Placed
from llm_calc.core.weights import Cache, Weight

ROUTED = "experts"
ENDS = frozenset({"embedding", "lm_head"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """GPUs = tensor x pipeline x data; ``expert`` of the tensor x data GPUs of a stage deal experts among them.

    ``expert = 1``: every expert is cut over all of them instead. ``data`` splits sequences: attention and
    dense parts are replicated ``data`` times. ``stage_layers``: layers of each stage, where they are not dealt equally.
    ``shared``: whether data-parallel groups are one server, which cuts its experts over all of them, or servers of
    their own; None: one where experts are dealt.
    """

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    expert: int = 1
    stage_layers: tuple[int, ...] = ()
    shared: bool | None = None

    def __post_init__(self) -> None:
        """Refuse sizes below one and expert groups that do not divide a stage."""
        for name in ("tensor", "pipeline", "data", "expert"):
            if getattr(self, name) < 1:
                raise InvalidInputError(f"parallelism.{name}: must be 1 or more", field=f"parallelism.{name}")
        if (self.tensor * self.data) % self.expert:
            raise InvalidInputError(
                f"parallelism.expert: {self.expert} must divide tensor x data = {self.tensor * self.data}",
                field="parallelism.expert",
            )
        if self.stage_layers and len(self.stage_layers) != self.pipeline:
            raise InvalidInputError(
                f"parallelism.stage_layers: names {len(self.stage_layers)} stages; parallelism.pipeline has "
                f"{self.pipeline}",
                field="parallelism.stage_layers",
            )

    def bounds(self, num_layers: int, draft_layers: int = 0) -> tuple[range, ...]:
        """Layers of each pipeline stage: as stated, else equal runs (:func:`stage_bounds`).

        The model's own layers are dealt; ``draft_layers``, the last of ``num_layers``, all stand on the last stage.
        Source: vLLM ``v1/worker/gpu_model_runner.py``, which builds a drafter on the last pipeline rank alone; checked:
        2026-11-30, read in quotation.

        Raises:
            InvalidInputError: the stated layers are not those of the model.
            UnsupportedError: more stages than layers.
        """
        own = num_layers - draft_layers
        dealt = stated_bounds(own, self.stage_layers) or stage_bounds(own, self.pipeline)
        return *dealt[:-1], range(dealt[-1].start, num_layers)

    @property
    def gpus(self) -> int:
        """GPUs of the deployment [GPUs].

        ``tensor x pipeline x data``.
        Definition: ``expert`` deals experts among the same GPUs and adds none.
        """
        return self.tensor * self.pipeline * self.data

    @property
    def groups(self) -> int:
        """Groups of attention in one server, which wait for each other at every step [1].

        ``data`` where they are one server, else 1.
        Definition: of servers of their own each has one.
        """
        shared = self.expert > 1 if self.shared is None else self.shared
        return self.data if shared else 1

    @property
    def stage_gpus(self) -> int:
        """GPUs that hold one pipeline stage [GPUs].

        ``tensor x data``.
        Definition: all of them share the stage's experts.
        """
        return self.tensor * self.data

    @property
    def expert_cut(self) -> int:
        """Pieces that each expert itself is cut into [1].

        ``max(1, tensor x data / expert)``: the GPUs of a stage that remain to each expert group cut its experts;
        without expert parallelism all of them, also those that attention is replicated on.
        Source: vLLM 0.33.0 ``model_executor/layers/fused_moe/config.py``, ``FusedMoEParallelConfig.make``; its
        documentation, "Data Parallel Deployment"; checked: 2026-11-30, read. Exact where ``expert`` divides the
        stage, which ``Layout`` demands.
        """
        return max(1, self.stage_gpus // self.expert)


def largest_piece(units: Quantity, ways: Quantity) -> Quantity:
    """Units on the GPU that holds most [1].

    ``max(1, ceil(units / ways))``; more ways than units replicate.
    Source: vLLM 0.33.0 ``model_executor/layers/linear.py``, ``QKVParallelLinear``, with heads as the units and
    replicas of key-value heads; checked: 2026-11-30, read. Exact.
    """
    return larger(ceil_div(units, ways), 1)


def weight_share(weight: Weight, layout: Layout) -> float:
    """Elements of a weight on the GPU that holds most of it [elements].

    Routed experts: ``ceil(copies / expert) x (rows x cols + bias) x piece``; everything else ``params x piece``, with
    ``piece = largest_piece(units, ways) / units``.
    Source: vLLM 0.33.0 ``model_executor/layers/linear.py``, and ``fused_moe/config.py`` for experts; checked:
    2026-11-30, read.
    Leaves out: the optional redundant copies of hot experts.
    """
    if weight.component == ROUTED:
        copies = largest_piece(weight.copies, layout.expert)
        return float(copies * _params_per_copy(weight) * _piece(weight.units, layout.expert_cut))
    return float(weight.params * _piece(weight.units, layout.tensor))


def _params_per_copy(weight: Weight) -> float:
    return weight.rows * weight.cols + weight.bias


def _piece(units: int, ways: int) -> float:
    return float(largest_piece(units, ways)) / units


def cache_share(cache: Cache, tensor: Quantity) -> Quantity:
    """Fraction of one sequence's cache entries that the GPU which holds most of them keeps [1].

    ``largest_piece(units, tensor) / units``: KV heads are dealt; a latent cache is one unit and whole on every GPU.
    Source: vLLM 0.33.0 ``model_executor/layers/linear.py``, ``QKVParallelLinear``; checked: 2026-11-30, read. Exact.
    """
    return largest_piece(cache.units, tensor) / cache.units


@lru_cache(maxsize=256)
def stage_bounds(num_layers: int, pipeline: int) -> tuple[range, ...]:
    """Layers of each pipeline stage; what does not divide goes to the stages before the last.

    The first and last stage hold the embedding and head besides, so that engines give surplus layers to the
    stages before the last one, counted from the end (vLLM ``get_pp_indices``).
    """
    if pipeline > num_layers:
        raise UnsupportedError(
            f"parallelism.pipeline: {pipeline} stages need at least as many layers; the model has {num_layers}",
            field="parallelism.pipeline",
        )
    sizes = [num_layers // pipeline] * pipeline
    for extra in range(num_layers % pipeline):
        sizes[-(extra + 2) if pipeline > 1 else -1] += 1
    ends = accumulate(sizes)
    return tuple(range(end - size, end) for end, size in zip(ends, sizes, strict=True))


@lru_cache(maxsize=256)
def stated_bounds(num_layers: int, stage_layers: tuple[int, ...]) -> tuple[range, ...]:
    """Layers of each pipeline stage as they are stated; nothing where they are not.

    Source: vLLM 0.33.0 ``vllm/distributed/utils.py``, ``get_pp_indices`` (``VLLM_PP_LAYER_PARTITION``); checked:
    2026-11-30, read in quotation. Exact.

    Raises:
        InvalidInputError: they do not add up to the model's.
    """
    if stage_layers and sum(stage_layers) != num_layers:
        said = " + ".join(map(str, stage_layers))
        raise InvalidInputError(
            f"parallelism.stage_layers: {said} = {sum(stage_layers)}; the model has {num_layers} layers",
            field="parallelism.stage_layers",
            expected=num_layers,
        )
    ends = accumulate(stage_layers)
    return tuple(range(end - size, end) for end, size in zip(ends, stage_layers, strict=True))


def indices_inside(indices: Sequence[int], stage: range) -> Sequence[int]:
    """The positions, sorted as they are in a model, that fall into a stage."""
    return indices[bisect_left(indices, stage.start) : bisect_left(indices, stage.stop)]


def stage_placed(model: Model, stage: range) -> Iterator[tuple[Placed, int]]:
    """Weights of one stage with the number of stored sets that fall into it.

    Embedding goes to the stage of layer 0, everything behind or beside the stack (norms, head, towers) too
    where engines put it: towers with the embedding, final norm and head with the last layer. A tied head is
    stored again where the last stage is not the first.
    """
    first, last = stage.start == 0, stage.stop == model.num_layers
    for placed in model.placed:
        inside = len(indices_inside(placed.indices, stage))
        if placed.indices:
            if inside:
                yield placed, _stored_inside(placed, inside)
        elif _stands_in(placed, first=first, last=last):
            yield placed, _end_copies(placed, first=first)


def _stored_inside(placed: Placed, inside: int) -> int:
    """Sets that one stage stores: one a layer, or every shared set once."""
    return inside if placed.stored == placed.calls else min(placed.stored, inside)


def _stands_in(placed: Placed, *, first: bool, last: bool) -> bool:
    at_the_end = placed.weight.component in ("lm_head", "norms", "other")
    return last if at_the_end else first


def _end_copies(placed: Placed, *, first: bool) -> int:
    return 1 if placed.stored == 0 and not first else placed.stored


def check_layout(model: Model, layout: Layout) -> None:
    """Refuse what no engine runs: heads, experts or layers that the layout does not divide.

    Raises ``UnsupportedError`` that names the field and the accepted values.
    """
    for heads in model.attention_units:
        if heads % layout.tensor:
            accepted = [t for t in range(1, heads + 1) if all(h % t == 0 for h in model.attention_units)]
            raise UnsupportedError(
                f"parallelism.tensor: {layout.tensor} does not divide {heads} heads; use one of {accepted}",
                field="parallelism.tensor",
                accepted=accepted,
            )
    if layout.expert > 1 and not model.num_experts:
        raise UnsupportedError(
            "parallelism.expert: the model has no experts to spread; use 1",
            field="parallelism.expert",
            accepted=[1],
        )
    stage_bounds(model.num_layers, layout.pipeline)


def one_replica(layout: Layout) -> tuple[Layout, int]:
    """The layout of one replica, and how many there are [replicas].

    Definition: data-parallel groups that are servers of their own never wait for each other (``Layout.groups``).

    Raises:
        InvalidInputError: experts are dealt over more GPUs than one replica has.
    """
    if layout.groups == layout.data:
        return layout, 1
    return replace(layout, data=1), layout.data
