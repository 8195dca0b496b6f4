"""DeepSeek-V4: one shared key/value head, a window and compressed caches, hyper-connections.

Source: ``modeling_deepseek_v4.py`` and its configuration, transformers 5.24.0; checked: 2026-11-30, read. Every layer
keeps the last ``sliding_window`` tokens in a ring; compressed sparse layers add one entry for every 4 tokens, chosen
by an indexer, heavily compressed ones one for every 128.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hyper import hyper_connections, hyper_head
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import assemble, final_norm, hidden_size, norms, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache, Scores, Weight, vector

WINDOWED, SPARSE, HEAVY = "sliding_attention", "compressed_sparse_attention", "heavily_compressed_attention"
RATIO_TYPES = {0: WINDOWED, 4: SPARSE, 128: HEAVY}


def _layer_types(f: Fields, layers: int) -> tuple[str, ...]:
    """``layer_types``, or the ``compress_ratios`` of the first files, or two heavy layers and an alternation."""
    given, ratios = f.texts("layer_types", None), f.ints("compress_ratios", None)
    if given is None and ratios is not None:
        given = tuple(RATIO_TYPES.get(ratio, str(ratio)) for ratio in ratios)
    if given is None:
        return tuple(SPARSE if index >= 2 and index % 2 else HEAVY for index in range(layers))
    if len(given) < layers or not {WINDOWED, SPARSE, HEAVY}.issuperset(given):
        raise f.refusal("layer_types", f"a list of {layers} of {WINDOWED}, {SPARSE}, {HEAVY}")
    return given[:layers]


def _rate(f: Fields, kind: str) -> int:
    legacy, default = {SPARSE: ("compress_rate_csa", 4), HEAVY: ("compress_rate_hca", 128)}[kind]
    stated = f.optional_int(legacy, None)
    if stated:
        return stated
    rate = f.mapping("compress_rates", None).get(kind, default)
    if isinstance(rate, bool) or not isinstance(rate, int) or rate < 1:
        raise f.refusal("compress_rates", "whole numbers of tokens by layer type")
    return rate


def _matrix(name: str, rows: int, cols: int, units: int = 1) -> Weight:
    return Weight(name=name, component="attention", rows=rows, cols=cols, units=units)


def latent_core(f: Fields) -> Parts:
    """Compressed queries, one key/value head, a grouped low-rank output projection, sinks, the window."""
    hidden, heads, width = hidden_size(f), f.int("num_attention_heads"), f.int("head_dim")
    rank, groups, out_rank = f.int("q_lora_rank"), f.int("o_groups"), f.int("o_lora_rank")
    window = f.int("sliding_window")
    if heads * width % groups:
        raise f.refusal("o_groups", f"a divisor of the {heads} heads of {width}")
    weights = (
        _matrix("q_a_proj", hidden, rank),
        _matrix("q_b_proj", rank, heads * width, heads),
        _matrix("kv_proj", hidden, width),
        _matrix("o_a_proj", heads * width // groups, groups * out_rank, groups),
        _matrix("o_b_proj", groups * out_rank, hidden, groups),
        vector("attention_vectors", "attention", rank + width + heads),
    )
    scores = Scores(heads=heads, qk_dim=width, v_dim=width, window=window, units=heads)
    return Parts(
        weights=weights, scores=(scores,), caches=(Cache(kind="state", state_elements=window * width),)
    )


def _compressor(name: str, hidden: int, width: int, rate: int, series: int) -> tuple[Weight, ...]:
    """Values and gates of each token, position biases within the block, a norm of the compressed entry."""
    cols = series * width
    return (
        _matrix(f"{name}_kv_proj", hidden, cols),
        _matrix(f"{name}_gate_proj", hidden, cols),
        vector(f"{name}_vectors", "attention", rate * cols + width),
    )


def _entries(f: Fields, width: int, rate: int) -> Cache:
    """One entry of ``width`` elements for every ``rate`` tokens."""
    if width % rate:
        raise f.refusal("compress_rates", f"divisors of the {width} elements of an entry")
    return Cache(kind="compressed", elements_per_token=width // rate, tokens_per_entry=rate)


def _heavy(f: Fields) -> Parts:
    """One entry for every 128 tokens, all of them seen."""
    heads, width, rate = f.int("num_attention_heads"), f.int("head_dim"), _rate(f, HEAVY)
    return Parts(
        weights=_compressor("compressor", hidden_size(f), width, rate, 1),
        scores=(Scores(heads=heads, qk_dim=width, v_dim=width, tokens_per_key=rate, units=heads),),
        caches=(_entries(f, width, rate),),
    )


def _sparse(f: Fields) -> Parts:
    """Overlapping blocks of 4 tokens, of which an indexer with a compressor of its own chooses ``index_topk``."""
    hidden, heads, width, rate = (
        hidden_size(f),
        f.int("num_attention_heads"),
        f.int("head_dim"),
        _rate(f, SPARSE),
    )
    index_heads, index_width = f.int("index_n_heads"), f.int("index_head_dim")
    indexer = (
        *_compressor("indexer", hidden, index_width, rate, 2),
        _matrix("indexer_q_proj", f.int("q_lora_rank"), index_heads * index_width),
        _matrix("indexer_weights_proj", hidden, index_heads),
    )
    chosen = Scores(
        heads=heads, qk_dim=width, v_dim=width, tokens_per_key=rate, top_k=f.int("index_topk"), units=heads
    )
    index = Scores(name="indexer_scores", heads=index_heads, qk_dim=index_width, v_dim=0, tokens_per_key=rate)
    overlap = Cache(kind="state", state_elements=2 * rate * (width + index_width))
    return Parts(
        weights=(*_compressor("compressor", hidden, width, rate, 2), *indexer),
        scores=(chosen, index),
        caches=(_entries(f, width, rate), _entries(f, index_width, rate), overlap),
    )


def _compressed(f: Fields, kind: str) -> Parts:
    """What a kind of layer has beyond the window."""
    if kind == WINDOWED:
        return Parts()
    return _sparse(f) if kind == SPARSE else _heavy(f)


def one_shared(f: Fields) -> int:
    """One shared expert of the routed experts' width."""
    f.agree(n_shared_experts=1)
    return f.int("moe_intermediate_size")


@family(
    "deepseek_v4",
)
def deepseek_v4(f: Fields) -> Model:
    """DeepSeek-V4; hash-routed layers differ in no size."""
    layers, streams = num_layers(f), f.int("hc_mult")
    kinds = _layer_types(f, layers)
    attention = {
        kind: Custom(name=kind, content=latent_core(f) + _compressed(f, kind))
        for kind in dict.fromkeys(kinds)
    }
    around = hyper_connections(f, outputs=(2 + streams) * streams, scales=3, remixed=True)
    biases = "gud" if f.flag("mlp_bias") else ""
    experts = mixture(experts="n_routed_experts", shared_width=one_shared, shared_biases=biases)(f)
    stack: list[tuple[Block, ...]] = [
        (*norms(2)(f)(index), around, attention[kind], *experts(index)) for index, kind in enumerate(kinds)
    ]
    return assemble(f, stack, outside=(final_norm(f), hyper_head(f)))
