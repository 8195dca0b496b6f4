"""HunYuan v4: latent attention with gates and sinks, shared indexers, hyper-connections."""

from collections.abc import Callable

from llm_calc.core.architectures.families.deepseek import BIASES, routed
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hyper import hyper_connections, hyper_head
from llm_calc.core.architectures.latent import attention_vectors, attention_weights, latent
from llm_calc.core.architectures.mixtures import by_mlp_types, leading_dense
from llm_calc.core.architectures.pieces import assemble, final_norm, hidden_size, norms, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Parts
from llm_calc.core.model import Model


def _indexed(f: Fields, layers: int) -> Callable[[int], bool]:
    """The first layer and every fourth from the second on have an indexer of their own."""
    given = f.texts("indexer_types", None)
    if given is None:
        return lambda index: index == 0 or (index - 1) % 4 == 0
    if len(given) < layers or not {"full", "shared"}.issuperset(given):
        raise f.refusal("indexer_types", f"a list of {layers} of full, shared")
    return lambda index: given[index] == "full"


def _gate_and_sinks(f: Fields) -> Parts:
    heads = f.int("num_attention_heads")
    gate = attention_weights(gate_proj=(hidden_size(f), heads * f.int("v_head_dim")))
    return gate + attention_vectors("sinks", heads)


@family("hy_v4", "hy_v4_vl_text")
def hy_v4(f: Fields) -> Model:
    """HunYuan v4."""
    streams = f.int("hc_mult")
    around = hyper_connections(f, outputs=2 * streams, scales=2, remixed=False)
    pieces = (
        norms(2)(f),
        latent(biases=BIASES, indexed=_indexed, extra=_gate_and_sinks)(f),
        routed(by_mlp_types(leading_dense()))(f),
    )
    stack: list[tuple[Block, ...]] = [
        (around, *(block for piece in pieces for block in piece(index))) for index in range(num_layers(f))
    ]
    return assemble(f, stack, outside=(final_norm(f), hyper_head(f)))
