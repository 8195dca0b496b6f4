"""JetMoE: experts in the feed-forward part, and experts among the attention's query and output projections."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import assemble, hidden_size, norms, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Custom, Experts, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Cache, Scores, Weight, vector


def _attention(f: Fields, many: int, used: int) -> Block:
    """Each chosen expert projects queries for all key/value heads, and projects their output back.

    Its router and bias count as ``experts``, the key and value projection as ``attention``.
    """
    hidden, kv_heads, dim = hidden_size(f), f.int("num_key_value_heads"), f.int("kv_channels")
    width, heads = kv_heads * dim, kv_heads * used

    def expert(name: str, rows: int, cols: int) -> Weight:
        return Weight(
            name=name, component="experts", rows=rows, cols=cols, copies=many, used=used, units=kv_heads
        )

    weights = (
        expert("q_proj", hidden, width),
        expert("o_proj", width, hidden),
        Weight(name="attention_router", component="experts", rows=hidden, cols=many),
        vector("attention_bias", "experts", hidden),
        Weight(name="kv_proj", component="attention", rows=hidden, cols=2 * width, units=kv_heads),
    )
    scores = Scores(heads=heads, qk_dim=dim, v_dim=dim, units=kv_heads)
    cache = Cache(kind="full", elements_per_token=2 * width, units=kv_heads)
    return Custom(
        name="mixture_of_attention", content=Parts(weights=weights, scores=(scores,), caches=(cache,))
    )


@family("jetmoe")
def jetmoe(f: Fields) -> Model:
    """Two norms, attention experts and feed-forward experts a layer."""
    many, used = routed(f, "num_local_experts", "num_experts_per_tok")
    hidden = hidden_size(f)
    width = f.int("intermediate_size")
    heads = f.int("num_key_value_heads") * used
    f.agree(num_attention_heads=heads, ffn_hidden_size=width, bias=True, glu=True)
    bias = vector("mlp_bias", "mlp", hidden)
    experts = Experts(hidden=hidden, experts=many, top_k=used, intermediate=width)
    blocks: tuple[Block, ...] = (
        _attention(f, many, used),
        experts,
        Custom(name="bias", content=Parts(weights=(bias,))),
    )
    norm = norms(2)(f)
    return assemble(f, [norm(index) + blocks for index in range(num_layers(f))])
