"""IQuest Q1: experts behind grouped attention with a learned key, windows by a pattern, three norms a layer.

Source: ``iquest_q1.py`` of the models and of the configurations of SGLang 0.5.23; ``checked: 2026-11-30``, read.
"""

from collections.abc import Callable, Mapping

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import both
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    gqa,
    head_width,
    hidden_size,
    norms,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL, SLIDING, by_type
from llm_calc.core.blocks import Block, Custom, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

UNSAID: Mapping[str, object] = {
    "dense_intermediate_size": 12288,
    "enable_sink_attention": True,
    "first_layers_types": (FULL,),
    "head_dim": 128,
    "hidden_size": 3072,
    "hybrid_layers_types_block": (FULL, SLIDING, SLIDING, SLIDING),
    "intermediate_size": 1536,
    "last_layers_types": (FULL, FULL, FULL),
    "max_position_embeddings": 524288,
    "mlp_only_layers": (0,),
    "num_attention_heads": 48,
    "num_experts": 256,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 88,
    "num_hybrid_layers_block": 21,
    "num_key_value_heads": 8,
    "num_mtp_layers": 0,
    "sliding_window": 4096,
    "tie_word_embeddings": False,
    "use_hybrid_layers": True,
    "use_sliding_window": True,
    "vocab_size": 160000,
}
PATTERN = ("first_layers_types", "hybrid_layers_types_block", "last_layers_types")


def _kinds(f: Fields, layers: int) -> tuple[str, ...]:
    """The first layers, a block over and over, the last layers; ``layer_types`` itself the class passes by."""
    first, block, last = (_listed(f, key) for key in PATTERN)
    kinds = (*first, *block * f.int("num_hybrid_layers_block", least=0), *last)
    if not f.flag("use_hybrid_layers"):
        kinds = (FULL,) * layers
    if len(kinds) != layers:
        raise f.refusal(
            "num_hybrid_layers_block", f"such that the pattern has {layers} layers, not {len(kinds)}"
        )
    f.agree(layer_types=list(kinds))
    return kinds if f.flag("use_sliding_window") else (FULL,) * layers


def _listed(f: Fields, key: str) -> tuple[str, ...]:
    """Kinds under a key; null is what the class takes where it is absent."""
    kinds = f.texts(key) if f.given(key) else f.texts(key, UNSAID[key])
    if kinds is None or not {FULL, SLIDING}.issuperset(kinds):
        raise f.refusal(key, f"a list of {FULL}, {SLIDING}")
    return kinds


def _learned_key(f: Fields) -> LayerBlocks:
    """One key a head of keys, with a value of zero."""
    heads = f.int("num_key_value_heads")
    width = head_width(f, hidden_size(f), f.int("num_attention_heads"))
    if not f.flag("enable_sink_attention"):
        return lambda _: ()
    key = vector("sink_k", "attention", heads * width)
    block = Custom(name="learned_key", content=Parts(weights=(key,)))
    return lambda _: (block,)


def _norms(f: Fields) -> LayerBlocks:
    """Before and behind attention, before the feed-forward part; the first layer has one behind that too."""
    plain, extra = norms(3)(f), Norm(width=hidden_size(f), count=1)
    first: tuple[Block, ...] = (extra,)
    return lambda index: (*plain(index), *(() if index else first))


def _sparse(f: Fields, _: int) -> Callable[[int], bool]:
    dense = frozenset((f.ints("mlp_only_layers") or ()) if f.given("mlp_only_layers") else (0,))
    return lambda index: index not in dense


@family("iquest_q1")
def iquest_q1(f: Fields) -> Model:
    """No matrix has a bias. A layer that predicts ahead is loaded for speculation alone."""
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.agree(attention_bias=False, use_over_encoding=False)
    if f.optional_int("num_mtp_layers"):
        f.warn(WITHOUT_PREDICTION)
    attention = both(gqa(qk_norm="head", windows=by_type(_kinds)), _learned_key)
    experts = mixture(width="intermediate_size", dense_width="dense_intermediate_size", sparse=_sparse)
    return Decoder(attention=attention, feed_forward=experts, norms=_norms)(f)
