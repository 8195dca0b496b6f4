"""Qwen4-Exp: gated delta nets, attention over chosen blocks, several residual streams, tables of n-grams."""

from dataclasses import replace
from math import isqrt

from llm_calc.core.architectures.families.delta import QWEN_ATTENTION, qwen_delta
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, both, same, stated
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import LayerBlocks, assemble, hidden_size, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.blocks.recurrent import conv_state
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache, Component, Scores, Weight, vector

INDEXED = "indexed_attention"
MOST_NGRAM_ROWS, MOST_TABLES = 10**8, 256


def _types(f: Fields, layers: int) -> tuple[str, ...]:
    period = f.int("full_attention_interval", 4)
    return tuple(LINEAR if (index + 1) % period else INDEXED for index in range(layers))


def _matrix(name: str, component: Component, rows: int, cols: int) -> Weight:
    return Weight(name=name, component=component, rows=rows, cols=cols)


def _residual(f: Fields, component: Component, *, combine: bool = True) -> Parts:
    """Mixes the streams into one through a low rank; ``combine``: and weighs what goes back to each."""
    streams, rank = f.int("hc_count", least=2), f.int("hc_lowrank")
    width = streams * hidden_size(f)
    weights = (
        vector("stream_norm", component, width),
        _matrix("stream_mix_down", component, width, rank),
        _matrix("stream_mix_up", component, rank, width),
    )
    return Parts(
        weights=(*weights, _matrix("stream_inject", component, width, streams)) if combine else weights
    )


def _indexer(f: Fields) -> Block:
    """Small heads that choose blocks of keys; it keeps a key and three positions of every token."""
    heads, kv_heads, dim = f.int("indexer_n_heads"), f.int("indexer_kv_heads"), f.int("indexer_head_dim")
    parts = Parts(
        weights=(
            _matrix("index_qk_proj", "attention", hidden_size(f), (heads + kv_heads) * dim),
            vector("index_norms", "attention", 2 * dim),
        ),
        scores=(
            Scores(
                name="indexer_scores",
                heads=heads,
                qk_dim=dim,
                v_dim=0,
                tokens_per_key=f.int("indexer_compress_ratio"),
            ),
        ),
        caches=(Cache(kind="latent", elements_per_token=kv_heads * dim + 3),),
    )
    return Custom(name="block_indexer", content=parts)


def _attention(f: Fields) -> LayerBlocks:
    """Gated attention over ``indexer_budget`` keys."""
    budget = f.int("indexer_budget")
    block = QWEN_ATTENTION(f)(0)[0]
    parts = block.parts()
    chosen = replace(parts, scores=tuple(replace(scores, top_k=budget) for scores in parts.scores))
    blocks: tuple[Block, ...] = (Custom(name="indexed_attention", content=chosen), _indexer(f))
    return lambda _: blocks


def _primes(after: int, count: int) -> list[int]:
    """``count`` primes in a row beyond ``after``."""
    found: list[int] = []
    number = after
    while len(found) < count:
        number += 1
        if number > 1 and all(number % divisor for divisor in range(2, isqrt(number) + 1)):
            found.append(number)
    return found


def _heads(f: Fields) -> int:
    """Tables of one layer: ``heads_per_ngram`` for each length of n-gram from two on."""
    return (f.int("ngram_size", least=2, most=MOST_TABLES) - 1) * f.int("heads_per_ngram", most=MOST_TABLES)


def _ngrams(f: Fields, sizes: list[int]) -> Block:
    """Looks up n-grams of the last tokens and adds them to all streams through a gate and a convolution.

    Each table has a prime number of rows; all tables of a layer are padded together.
    """
    hidden, streams, kernel = hidden_size(f), f.int("hc_count"), f.int("ple_conv_kernel_size")
    embed, wide = f.optional_int("ple_embed_dim", least=1) or hidden, hidden * streams
    divisor, length = f.int("make_ngram_vocab_size_divisible_by"), f.int("ngram_size")
    rows = divisor * -(-sum(sizes) // divisor)
    parts = Parts(
        weights=(
            Weight(
                name="ngram_embedding",
                component="embedding",
                rows=rows,
                cols=embed // len(sizes),
                kind="table",
            ),
            _matrix("ngram_key", "other", embed, wide),
            _matrix("ngram_value", "other", embed, hidden),
            vector("ngram_norms", "other", 3 * wide),
            _matrix("ngram_conv", "other", kernel, wide),
        ),
        caches=(conv_state(wide, (kernel - 1) * length), conv_state(1, length - 1)),
    )
    return Custom(name="ngram_embedding", content=parts)


def _ngram_layers(f: Fields) -> dict[int, Block]:
    """By layer; the file counts layers from 1, and tables take their primes in that order."""
    layers = sorted(set(f.ints("ple_layer_ids") or ()))
    if not layers:
        return {}
    if not 1 <= layers[0] <= layers[-1] <= num_layers(f):
        raise f.refusal("ple_layer_ids", f"layers from 1 to {num_layers(f)}")
    heads = _heads(f)
    if heads * len(layers) > MOST_TABLES:
        raise f.refusal("heads_per_ngram", f"small enough for at most {MOST_TABLES} tables in all layers")
    base = f.int("ngram_vocab_size_base", most=MOST_NGRAM_ROWS)
    primes = _primes(base - 1, heads * len(layers))
    return {layer - 1: _ngrams(f, primes[at * heads : (at + 1) * heads]) for at, layer in enumerate(layers)}


@family("qwen4_exp_text")
def qwen4_exp_text(f: Fields) -> Model:
    """The streams have no other norms; a last mixing stands in place of the final norm."""
    f.warn("how the streams and the tables of n-grams are split by component is a choice of this reader")
    piece = both(
        same(lambda f: Custom(name="attention_streams", content=_residual(f, "attention"))),
        same(lambda f: Custom(name="mlp_streams", content=_residual(f, "mlp"))),
        alternating(
            stated(_types),
            {FULL: _attention, INDEXED: _attention, LINEAR: same(qwen_delta)},
        ),
        mixture(shared_width=lambda f: f.int("shared_expert_intermediate_size"), shared_gate=True),
    )(f)
    ngrams = _ngram_layers(f)
    layers = [
        (*piece(index), ngrams[index]) if index in ngrams else piece(index) for index in range(num_layers(f))
    ]
    return assemble(f, layers, outside=_residual(f, "other", combine=False).weights)
