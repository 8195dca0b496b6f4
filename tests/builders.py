"""Small and real models as the core describes them, for tests."""

from llm_calc.core.blocks import Attention, Block, Experts, LatentAttention, Mlp, Norm
from llm_calc.core.footprint import Numbers
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.model import Model, group_layers
from llm_calc.core.weights import Weight, vector

BF16 = NumberFormat(name="bf16", element_bits=16, compute="bf16")
INT4 = NumberFormat(name="int4", element_bits=4, group_size=128, scale_bits=16, zero_bits=4)


def plain_recipe(number_format: NumberFormat = BF16) -> WeightRecipe:
    """Everything in one format."""
    return WeightRecipe(name=number_format.name, default=number_format, vectors=number_format)


def plain_numbers(number_format: NumberFormat = BF16) -> Numbers:
    """Weights, cache and activations in one format."""
    return Numbers(recipe=plain_recipe(number_format), cache=number_format, activations=number_format)


def decoder(layers: list[tuple[Block, ...]], *, hidden: int, vocab: int, tied: bool = False) -> Model:
    """A decoder of these layers between an embedding and a head."""
    return Model(
        model_type="test",
        hidden=hidden,
        num_layers=len(layers),
        vocab=vocab,
        groups=group_layers(layers),
        embedding=(
            Weight(name="embed", component="embedding", rows=vocab, cols=hidden, kind="table", units=vocab),
        ),
        head=Weight(name="lm_head", component="lm_head", rows=hidden, cols=vocab, units=vocab),
        head_tied=tied,
        outside=(vector("final_norm", "norms", hidden),),
    )


def llama(
    *,
    hidden: int = 4096,
    intermediate: int = 11008,
    layers: int = 32,
    vocab: int = 32000,
    heads: int = 32,
    kv_heads: int = 32,
    window: int | None = None,
    tied: bool = False,
) -> Model:
    """Llama-2-7B unless told otherwise."""
    blocks: tuple[Block, ...] = (
        Norm(width=hidden, count=2),
        Attention(hidden=hidden, heads=heads, kv_heads=kv_heads, head_dim=hidden // heads, window=window),
        Mlp(hidden=hidden, intermediate=intermediate),
    )
    return decoder([blocks] * layers, hidden=hidden, vocab=vocab, tied=tied)


def mixtral() -> Model:
    """Mixtral-8x7B."""
    blocks: tuple[Block, ...] = (
        Norm(width=4096, count=2),
        Attention(hidden=4096, heads=32, kv_heads=8, head_dim=128),
        Experts(hidden=4096, experts=8, top_k=2, intermediate=14336),
    )
    return decoder([blocks] * 32, hidden=4096, vocab=32000)


def deepseek_v3() -> Model:
    """DeepSeek-V3: three dense layers, then 256 experts with one shared; latent attention."""
    attention = LatentAttention(
        hidden=7168, heads=128, q_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, v_dim=128
    )
    norms = Norm(width=7168, count=2)
    dense: tuple[Block, ...] = (norms, attention, Mlp(hidden=7168, intermediate=18432))
    experts = Experts(hidden=7168, experts=256, top_k=8, intermediate=2048, shared_width=2048)
    sparse: tuple[Block, ...] = (norms, attention, experts)
    return decoder([dense] * 3 + [sparse] * 58, hidden=7168, vocab=129280)
