"""Which batch sizes get a CUDA graph in vLLM, and what the graphs take.

Read from vLLM 0.16.0, 0.17.0, 0.27.0, 0.31.0 and 0.33.0 (``vllm/config/vllm.py``); what differs is in ``VllmRules``.
"""

from dataclasses import dataclass

from llm_calc.core.engines.base import Limits
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.vllm_rules import VllmRules
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.overheads import OverheadConstants

LARGEST_GRAPH, GPT_OSS_LARGEST_GRAPH = 512, 1024
FIRST_SIZES, FINE_UP_TO, STEP, COARSE_FROM, COARSE_STEP = (1, 2, 4), 32, 8, 256, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphWishes:
    """What is said of graphs. ``mode``: ``cudagraph_mode``; ``fine``: every size of a small batch is captured."""

    mode: str = "FULL_AND_PIECEWISE"
    largest: int | None = None
    sizes: tuple[int, ...] | None = None
    fine: bool = False


def captured_sizes(largest: int, *, coarse: bool, fine: bool = False) -> frozenset[int]:
    """Batch sizes that get a graph of their own: 1, 2, 4, every 8, above 256 every 16 in later releases [tokens].

    ``fine``: every size up to 32 besides.
    Source: vLLM 0.33.0 ``vllm/config/vllm.py``, ``_set_cudagraph_sizes``; checked: 2026-11-30, read.
    Leaves out: sizes that a compilation config names itself.
    """
    small = (
        range(1, min(largest, FINE_UP_TO) + 1) if fine else [size for size in FIRST_SIZES if size <= largest]
    )
    if not coarse:
        return frozenset([*small, *range(STEP, largest + 1, STEP)])
    middle = range(STEP, min(largest + 1, COARSE_FROM), STEP)
    return frozenset([*small, *middle, *range(COARSE_FROM, largest + 1, COARSE_STEP)])


def captured_graphs(setup: Setup, limits: Limits, rules: VllmRules, wishes: GraphWishes) -> int:
    """Graphs that are captured [1].

    ``sizes up to min(2 x max_num_seqs, 512) in pieces + sizes up to max_num_seqs for pure decoding``, as far as the
    mode asks for either; never more tokens than a step has. Up to 1024 for gpt-oss, and on data-centre Blackwell in
    later releases, which also capture a batch of exactly ``max_num_seqs``.
    Source: vLLM 0.33.0 ``vllm/config/vllm.py``, ``_set_cudagraph_sizes``; ``vllm/model_executor/models/config.py``;
    checked: 2026-11-30, read.
    Leaves out: further sizes under speculative decoding.
    """
    sizes = _sizes(setup, limits, rules, wishes)
    decode = [size for size in sizes if size <= limits.max_sequences]
    pieces = len(sizes) * (wishes.mode in ("PIECEWISE", "FULL", "FULL_AND_PIECEWISE"))
    whole = wishes.mode in ("FULL_DECODE_ONLY", "FULL_AND_PIECEWISE") and rules.decode_graphs
    return pieces + len(decode) * whole


def check_wishes(wishes: GraphWishes, limits: Limits) -> None:
    """Refuses a list of sizes whose largest is another than the largest that is asked for beside it.

    Read in vLLM 0.33.0 (``vllm/config/vllm.py``, ``_set_cudagraph_sizes``); checked: 2026-11-30.

    Raises:
        InvalidInputError: names both.
    """
    if wishes.mode == "NONE" or wishes.sizes is None or wishes.largest is None:
        return
    largest = max((size for size in wishes.sizes if size <= limits.max_batched_tokens), default=0)
    if largest != wishes.largest:
        msg = (
            f"engine.max_cudagraph_capture_size: {wishes.largest} is not the largest of "
            f"engine.cudagraph_capture_sizes, {largest}, which vLLM refuses; give {largest}, or one of the two alone"
        )
        raise InvalidInputError(msg, field="engine.max_cudagraph_capture_size", accepted=[largest])


def largest_captured(setup: Setup, limits: Limits, rules: VllmRules, wishes: GraphWishes) -> int:
    """The largest step with a graph; 0 without any [tokens].

    Definition: the largest of the sizes that :func:`captured_graphs` counts.
    """
    return 0 if wishes.mode == "NONE" else max(_sizes(setup, limits, rules, wishes), default=0)


def _sizes(setup: Setup, limits: Limits, rules: VllmRules, wishes: GraphWishes) -> frozenset[int]:
    tokens = limits.max_batched_tokens
    if wishes.sizes is not None:
        return frozenset(size for size in wishes.sizes if size <= tokens)
    largest = min(wishes.largest or _largest(setup, limits, rules), tokens)
    found = captured_sizes(largest, coarse=rules.coarse_graph_sizes, fine=wishes.fine)
    exact = rules.exact_graph and wishes.largest is None and limits.max_sequences <= largest
    return found | {limits.max_sequences} if exact else found


def _largest(setup: Setup, limits: Limits, rules: VllmRules) -> int:
    if setup.model.model_type == "gpt_oss":
        return GPT_OSS_LARGEST_GRAPH
    blackwell = (setup.gpu.compute_capability or "").startswith("10.")
    most = rules.blackwell_largest_graph if blackwell else LARGEST_GRAPH
    return min(most, 2 * limits.max_sequences)


def graphs_bytes(setup: Setup, stage: int, graphs: int, overheads: OverheadConstants) -> float:
    """Memory of captured graphs [bytes].

    ``graphs x (bytes a graph + layers of the stage x bytes a layer)``.
    Choice: a straight line over layers, fitted to start-up logs of each release (``docs/memory.md``).
    Leaves out: what a graph's kernels need beyond their layers' number.
    """
    layers = len(setup.layout.bounds(setup.model.num_layers, setup.model.draft_layers)[stage])
    return graphs * (overheads.graph_bytes_per_size + layers * overheads.graph_bytes_per_layer)
