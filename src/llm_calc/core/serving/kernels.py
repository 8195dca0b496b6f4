"""Which units multiply the tokens of a step, and how long they take: vector units for few, matrix units for many."""

from llm_calc.core.arrays import Quantity, ceil_div, larger, smaller, where
from llm_calc.core.operators.work import GROUPS, ContextWork, LinearWork
from llm_calc.core.serving.rates import Rates

MATRIX_LOSS = 1.2
"""A choice, not a fit: about what matrices took at 16 sequences over two batches of 8 in the static batches that were
published of an M2 Ultra (gemma-3-4b in Q4_0, launches aside) [1]."""


def multiply_seconds(work: LinearWork, tokens: Quantity, read_s: Quantity, rates: Rates) -> Quantity:
    """Arithmetic of one matrix whose weights are read in ``read_s``: few tokens on vector units, more on others [s].

    ``m = (whole tiles + saturation) x FLOPs / matrix FLOP/s``, ``v = tokens x FLOPs / vector FLOP/s``: v up to
    ``vector_tokens``, then m, never below the v of that many; within the first tile at most 1.2 times as long as the
    tokens in batches of ``vector_tokens``, weights read for each. ``quicker``: ``min(m, v)``.
    Choice: of llama.cpp's switch the published static batches show twice the time of 8 sequences at 16, no more
    (``docs/performance.md``); MLX chooses its switch by chip and shape (``mlx/backend/metal/quantized.cpp``).
    Leaves out: the shapes of single kernels, and where exactly MLX switches.
    """
    kernels, reached = rates.kernels, rates.linear[GROUPS.index(work.group)]
    tile = kernels.tile_tokens
    tiles = tokens if tile == 1 else ceil_div(tokens, tile) * tile
    filled = tiles + where(tokens > 0, rates.saturation_tokens, 0.0)
    matrix_s = filled * work.flops_per_token / reached.flops_per_s
    if not kernels.vector_tokens:
        return matrix_s
    vector_s = tokens * (work.flops_per_token / reached.vector_flops_per_s)
    if kernels.quicker:
        return smaller(matrix_s, vector_s)
    most_s = kernels.vector_tokens * (work.flops_per_token / reached.vector_flops_per_s)
    batches = ceil_div(tokens, kernels.vector_tokens)
    dealt_s = MATRIX_LOSS * batches * (most_s + read_s) - read_s
    wide_s = where(tokens <= tile, smaller(matrix_s, dealt_s), matrix_s)
    return where(tokens <= kernels.vector_tokens, vector_s, larger(wide_s, most_s))


def pair_seconds(work: ContextWork, rates: Rates) -> Quantity:
    """Time of one pair of a query and a key in a prompt [s].

    ``FLOPs / reached FLOP/s + bytes / reached bytes/s`` of what lies between kernels.
    Choice: kernels run one after another; the bytes are those of :func:`.context.context_works`.
    Leaves out: scores that are written while others are multiplied.
    """
    seconds = work.prefill_flops_per_pair / rates.prefill_attention_flops_per_s
    return seconds + work.prefill_bytes_per_pair / rates.activation_bytes_per_s
