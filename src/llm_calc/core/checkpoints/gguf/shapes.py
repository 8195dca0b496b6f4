"""Shapes of a layer's tensors held against the keys: a shape that llama.cpp would not load the file with is named.

Source: llama.cpp, ``src/models/*.cpp`` (``load_arch_tensors`` of falcon, openelm and others), which ask for every
tensor by the shape that the keys give; checked: 2026-11-30, read in part.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import prod

from llm_calc.core.blocks.parts import Parts
from llm_calc.core.checkpoints.gguf.placed import Placed
from llm_calc.core.checkpoints.gguf.recipe import SAME_NUMBERS
from llm_calc.core.formats import NumberFormat
from llm_calc.core.weights import Scores, Weight

FROM_HIDDEN = ("attn_q", "attn_k", "attn_v", "attn_qkv", "ffn_gate", "ffn_up")
TO_HIDDEN = ("attn_output", "ffn_down")
KEYS = ("attn_k", "attn_qkv", "attn_kv")
FEED_FORWARD = ("ffn_", "channel_mix")
SIXTEEN = 16
Shapes = dict[str, tuple[int, ...]]


def shape_doubts(
    placed: Sequence[Placed], parts: Parts, hidden: int, kv_heads: int, feed_forward: int
) -> Iterator[str]:
    """Sentences on what one layer lacks, or has in another shape than the keys say."""
    shapes = {each.stem: each.tensor.shape for each in placed if each.ending == "weight"}
    matrices = {stem: shape for stem, shape in shapes.items() if len(shape) > 1}
    for stem in FROM_HIDDEN:
        yield from _differs(stem, "rows", matrices.get(stem, (hidden,))[0], hidden)
    for stem in TO_HIDDEN:
        yield from _differs(stem, "outputs", matrices.get(stem, (hidden,))[-1], hidden)
    if feed_forward and shapes and not any(stem.startswith(FEED_FORWARD) for stem in matrices):
        yield f"feed_forward_length says {feed_forward} in a layer that holds no feed-forward"
    for score in parts.scores[:1]:
        if score.absorbed_qk_dim is not None and score.absorbed_v_dim is not None:
            yield from _latent(shapes, score, score.absorbed_qk_dim, score.absorbed_v_dim)
        else:
            yield from _usual(matrices, score, kv_heads, is_cached=bool(parts.caches))


def _usual(matrices: Shapes, score: Scores, kv_heads: int, *, is_cached: bool) -> Iterator[str]:
    """Keys and values of every head."""
    keys, values = kv_heads * score.qk_dim, kv_heads * score.v_dim
    wanted = {"attn_k": keys, "attn_v": values, "attn_qkv": score.heads * score.qk_dim + keys + values}
    for stem, width in wanted.items():
        yield from _differs(stem, "outputs", matrices.get(stem, (width,))[-1], width)
    output = score.heads * score.v_dim
    yield from _differs("attn_output", "rows", matrices.get("attn_output", (output,))[0], output)
    if is_cached and not any(stem.startswith(KEYS) for stem in matrices):
        yield "a layer with attention holds no tensor of keys (attn_k)"


def _latent(shapes: Shapes, score: Scores, cached: int, rank: int) -> Iterator[str]:
    """One latent of a token, with its decompression cut into keys and values."""
    down = shapes.get("attn_kv_a_mqa", (cached,))[-1]
    yield from _differs("attn_kv_a_mqa", "outputs", down, cached)
    own = score.qk_dim - (cached - rank)
    for stem, said in (
        ("attn_k_b", own * rank * score.heads),
        ("attn_v_b", rank * score.v_dim * score.heads),
    ):
        if stem in shapes:
            yield from _differs(stem, "elements", prod(shapes[stem]), said)
        else:
            yield f"attention.key_length_mla is said of a layer that holds no {stem}"


def _differs(stem: str, what: str, held: int, said: int) -> Iterator[str]:
    if held != said:
        yield f"the keys say {said} {what} of {stem} in a layer, the tensor has {held}"


def head_doubts(table: Weight, head: Weight) -> tuple[str, ...]:
    """A sentence on an output head for another vocabulary than the embedding's."""
    if head.cols == table.rows and head.rows == table.cols:
        return ()
    held = f"{head.cols} tokens of width {head.rows}"
    return (f"output.weight is for {held}, token_embd.weight for {table.rows} of {table.cols}",)


def kind_holds(number: NumberFormat | None, types: Iterable[str]) -> bool:
    """Whether any tensor has the type that a kind of file is named for, or what stands in for it in odd rows."""
    stands_in = {number} if number is not None else set()
    while number is not None and number.fallback is not None and number.fallback.element_bits < SIXTEEN:
        number = number.fallback
        stands_in.add(number)
    return bool({each.name for each in stands_in} & {SAME_NUMBERS.get(each, each) for each in types})
