"""SGLang's static share of the memory: what it reserves for steps, graphs and towers where it is told nothing.

Read from SGLang 0.5.4 to 0.5.18 (``srt/server_args.py``) and 0.5.19 to 0.5.23 (``srt/arg_groups/memory_hook.py``,
``cuda_graph_hook.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from llm_calc.core.engines.base import MemoryPlan, Setup
from llm_calc.core.engines.sglang_rules import SglangRules, is_latent, is_sparse
from llm_calc.core.engines.sglang_schedule import working_tokens
from llm_calc.core.engines.weights import WeightRules, device_weights_bytes
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes, graph_bytes

GIB_MIB = 1024
LATENT_PREFILL_GRAPHS_MIB = 1536
LARGE_CARD_MIB, LARGE_CARD_RESERVE_MIB = 60 * GIB_MIB, 10 * GIB_MIB
TOWER_LAYERS, TOWER_WIDTH = 24, 1024
"""The tower by which others are measured (ViT-L/14)."""


def card_class(setup: Setup, rules: SglangRules) -> tuple[int, int]:
    """Chunked prefill size and largest captured batch, by the card's memory [tokens, sequences].

    Definition: the row of ``card_classes`` whose bound is the first above the memory.
    """
    memory_gib = setup.memory_bytes / 2**30
    chunk, few, many = next(values for below, *values in rules.card_classes if memory_gib < below)
    return int(chunk), int(few if setup.layout.tensor * setup.layout.groups < 4 else many)


def with_graphs_held(plan: MemoryPlan) -> MemoryPlan:
    """The plan; one that does not start where the share and CUDA graphs exceed the card [bytes].

    ``missing = weights + pools + graphs + framework - memory``: above 0 capturing fails, and the start with it.
    Source: SGLang ``srt/model_executor/cuda_graph_runner.py``, ``CudaGraphRunner``; checked: 2026-11-30, read in stored
    versions.
    Leaves out: what steps need later, which is not asked for before.
    """
    budget = plan.budget
    missing = -(budget.unallocated_bytes + budget.activation_peak_bytes)
    if plan.available_bytes <= 0 or missing <= 0 or not budget.cuda_graphs_bytes:
        return plan
    words = (
        f"engine.mem_fraction_static: weights, pools and CUDA graphs together exceed the GPU's memory by "
        f"{missing:.0f} bytes; give a smaller share"
    )
    return replace(plan, refusals=(*plan.refusals, words))


def captured_batches(largest: int) -> int:
    """Batch sizes with a graph of their own for decoding [1].

    ``5 + (256 - 8) / 8 + (496 - 256) / 16 + (largest - 480) / 32`` from 512 on: 1, 2, 4, 8, 12, every 8 from 16 to 256,
    every 16 to 496, every 32 from 512; those up to ``largest``, and that.
    Source: SGLang 0.5.4, 0.5.12 and 0.5.23, ``generate_decode_cuda_graph_batch_sizes`` (checked: 2026-11-29; 0.5.4 does
    not add ``largest`` itself).
    Leaves out: lists that the caller names, and the finer list of speculative decoding.
    """
    sizes = {1, 2, 4, 8, 12, *range(16, 257, 8), *range(272, 512, 16), *range(512, largest + 1, 32)}
    return len({size for size in sizes if size <= largest} | {largest})


def graphs_bytes(setup: Setup, stage: int, largest: int, overheads: OverheadConstants) -> float:
    """Graphs of decoding on a stage, up to the ``largest`` batch, 0: none [bytes].

    Definition: :func:`.overheads.graph_bytes` of the stage's layers and :func:`captured_batches`.
    """
    layers = len(setup.layout.bounds(setup.model.num_layers, setup.model.draft_layers)[stage])
    return graph_bytes(layers, captured_batches(largest), overheads) if largest else 0.0


def step_peak_bytes(setup: Setup, chunk: int) -> float:
    """Activations of a step of so many prompt tokens, of all groups, which meet where they share experts [bytes].

    Definition: :func:`.overheads.forward_peak_bytes`.
    """
    width = setup.activation_bytes_per_element
    return float(forward_peak_bytes(setup.model, working_tokens(chunk), width, setup.layout.tensor))


def captured_chunks(largest: int) -> int:
    """Numbers of prompt tokens with a graph of their own [1].

    ``8 + 14 + 8 + 8 + 12 + (largest - 4096) / 512`` from 4096 on: every 4 to 32, 16 to 256, 32 to 512, 64 to 1024, 256
    to 4096, 512 beyond; those up to ``largest``.
    Source: SGLang 0.5.12 and 0.5.23, ``generate_prefill_cuda_graph_batch_sizes`` (checked: 2026-11-29).
    Leaves out: lists that the caller names.
    """
    sizes = (
        *range(4, 33, 4),
        *range(48, 257, 16),
        *range(288, 513, 32),
        *range(576, 1025, 64),
        *range(1280, 4097, 256),
        *range(4608, largest + 1, 512),
    )
    return sum(size <= largest for size in sizes)


def _is_plain_latent(setup: Setup) -> bool:
    return is_latent(setup.model) and setup.model.vision_tower is None


PREFILL_BARS: Mapping[str, Callable[[Setup, int], bool]] = {
    "stages": lambda setup, _: setup.layout.pipeline > 1,
    "data": lambda setup, _: setup.layout.groups > 1,
    "contexts": lambda _, ways: ways > 1,
    "drafts": lambda setup, _: setup.drafted_tokens > 0,
    "latent": lambda setup, _: _is_plain_latent(setup),
    "dense_latent": lambda setup, _: _is_plain_latent(setup) and not is_sparse(setup.model),
}
"""What prefill graphs may not stand beside, of a setup whose contexts are dealt over so many GPUs.

Latent attention of the models with towers that keep them runs through another kind of graph.
"""


def has_prefill_graphs(setup: Setup, rules: SglangRules, ways: int) -> bool:
    """Whether prompts run through captured graphs by default: on CUDA, where type, layout and attention allow it.

    ``ways``: GPUs that contexts are dealt over.
    """
    model = setup.model
    barred = model.model_type in rules.without_prefill_graphs or (
        model.vision_tower is not None and model.model_type not in rules.graphs_with_vision
    )
    crowded = any(PREFILL_BARS[name](setup, ways) for name in rules.no_prefill_graphs_beside)
    return rules.prefill_graphs and setup.gpu.vendor == "NVIDIA" and not barred and not crowded


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What the static share leaves room for [tokens, sequences, MiB].

    ``chunk``: tokens of a step; ``batch``: largest graph of decoding; ``graphs``: whether those are captured;
    ``prefill``: most tokens of a prompt's graph, 0 without them; ``draft_mib``: of a draft.
    """

    chunk: int
    batch: int
    graphs: bool
    prefill: int
    draft_mib: int


def static_share(setup: Setup, held: Reserved) -> float:
    """``mem_fraction_static`` where it is not given [1].

    ``round((memory - reserve) / memory, 3)``, and for a model with a vision tower times ``0.95 x (1 - 0.1 x (layers x
    width^2 / (24 x 1024^2) - 1))``, the last factor held in 0.8 to 1.05. The reserve in MiB is ``512 + 1.5 x max(chunk,
    2048) + 128 x GPUs + 2 x largest graph``, plus ``3 x largest graph x groups`` (4.5 above 300) with data-parallel
    attention, whether graphs are captured or not, plus 8 a prefill graph, or 1536 for all of them with latent
    attention; at least 10 GiB above 60 GiB; plus what is kept for a draft.
    Source: SGLang 0.5.23 ``srt/arg_groups/memory_hook.py``, ``handle_gpu_memory_settings`` and
    ``reserve_for_graph_mb`` (checked: 2026-11-30); releases 0.5.4 to 0.5.22 were compared with it.
    Leaves out: further reserves for DeepEP, disaggregation and, up to 0.5.13, a draft model of its own (6 GiB).
    """
    layout, memory_mib = setup.layout, setup.memory_bytes / 2**20
    reserve = 512 + 1.5 * max(held.chunk, 2048) + 128 * layout.tensor * layout.pipeline * layout.groups
    reserve += 2 * held.batch if held.graphs else 0
    if layout.groups > 1:
        reserve += held.batch * layout.groups * (4.5 if held.batch > 300 else 3)
    if held.prefill:
        reserve += LATENT_PREFILL_GRAPHS_MIB if is_latent(setup.model) else 8 * captured_chunks(held.prefill)
    if memory_mib > LARGE_CARD_MIB:
        reserve = max(reserve, LARGE_CARD_RESERVE_MIB)
    reserve += held.draft_mib
    share = max(0.0, round((memory_mib - reserve) / memory_mib, 3))
    return share * tower_factor(setup.model.vision_tower)


def tower_factor(tower: tuple[int, int] | None) -> float:
    """What a vision tower of so many layers and of such a width makes of the share [1].

    ``0.95 x min(1.05, max(0.8, 1 - 0.1 x (layers x width^2 / (24 x 1024^2) - 1)))``; 1 without a tower.
    Source: SGLang 0.5.23, ``adjust_mem_fraction_for_vlm`` (checked: 2026-11-29); 0.5.4 and 0.5.12 have the same.
    Leaves out: what the tower really needs.
    """
    if tower is None:
        return 1.0
    layers, width = tower
    size = layers * width**2 / (TOWER_LAYERS * TOWER_WIDTH**2)
    return 0.95 * min(1.05, max(0.8, 1 - 0.1 * (size - 1)))


def weights_bytes(setup: Setup, stage: int, redundant: int) -> float:
    """Weights on the fullest GPU of a stage: ends whole under data-parallel attention, experts stored again [bytes].

    Definition: :func:`.weights.device_weights_bytes` with SGLang's rules.

    Raises:
        UnsupportedError: experts stored again that are not dealt evenly.
    """
    _check_copies(setup, redundant)
    rules = WeightRules(
        vocab_multiple=64,
        whole_ends=True,
        rotary_table=True,
        cut_towers=True,
        absorbed_copy=True,
        redundant_experts=redundant,
    )
    return device_weights_bytes(setup.model, setup.numbers.recipe, setup.layout, stage, rules)


def _check_copies(setup: Setup, redundant: int) -> None:
    """Refuses redundant experts that SGLang does not start with.

    Read in SGLang 0.5.23 ``srt/eplb/expert_location.py``, ``_init_common``: all experts are a multiple of ``ep_size``;
    checked: 2026-11-30.

    Raises:
        UnsupportedError: they are none.
    """
    experts, ways = setup.model.num_experts + redundant, setup.layout.expert
    if redundant and experts % ways:
        field, more = "engine.ep_num_redundant_experts", redundant + ways - experts % ways
        msg = f"{field}: {experts} experts are not dealt evenly over {ways} GPUs, as SGLang needs; {more} would do"
        raise UnsupportedError(msg, field=field, accepted=[more])
