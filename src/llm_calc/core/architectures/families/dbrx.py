"""DBRX: nested keys, fused projections, experts in every layer."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import assemble, hidden_size, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Experts, Norm
from llm_calc.core.model import Model

KV_HEADS, INNER = 1, 3584
"""What the nested classes assume of ``kv_n_heads`` and ``ffn_hidden_size``."""


@family("dbrx")
def dbrx(f: Fields) -> Model:
    """Its two norms a layer belong to the attention module and count there."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    if "hidden_size" in f.values and "d_model" not in f.values:
        f.assume(
            "hidden_size was taken for d_model: the class of DBRX gives its experts the default width then"
        )
    attn, ffn = f.part("attn_config"), f.part("ffn_config")
    kv_heads = attn.int("kv_n_heads", KV_HEADS)
    if heads % kv_heads:
        raise attn.refusal("kv_n_heads", f"a divisor of the {heads} attention heads")
    many, used = ffn.int("moe_num_experts", 4), ffn.int("moe_top_k", 1)
    layer: tuple[Block, ...] = (
        Norm(width=hidden, count=2, component="attention"),
        Attention(hidden=hidden, heads=heads, kv_heads=kv_heads, head_dim=hidden // heads),
        Experts(
            hidden=hidden, experts=many, top_k=min(used, many), intermediate=ffn.int("ffn_hidden_size", INNER)
        ),
    )
    return assemble(f, [layer] * num_layers(f))
