"""Nemotron-H, Nemotron 3: every layer is one of Mamba-2, attention, a feed-forward block or experts."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, same, state_bits, stated
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import (
    LayerBlocks,
    assemble,
    head_width,
    hidden_size,
    kv_head_count,
    mlp,
    norms,
    when,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Attention, Block, Custom, Mamba2, Mlp, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight

MLP, MOE = "mlp", "moe"
LETTERS = {"M": LINEAR, "*": FULL, "-": MLP, "E": MOE}


def _kinds(f: Fields) -> tuple[str, ...]:
    """``layers_block_type``, else the letters of ``hybrid_override_pattern``, else one layer of each kind."""
    given = f.texts("layers_block_type", None)
    pattern = f.text("hybrid_override_pattern", "")
    if given is not None:
        return stated(lambda _, __: (), key="layers_block_type")(f, len(given))
    if not pattern:
        return (LINEAR, MOE, FULL, MLP)
    if not LETTERS.keys() >= set(pattern):
        raise f.refusal("hybrid_override_pattern", f"a string of the letters {' '.join(LETTERS)}")
    return tuple(LETTERS[letter] for letter in pattern)


def _renamed(f: Fields, key: str, newer: str) -> str:
    """The newer spelling of a key where the file has it."""
    return newer if newer in f.values else key


def _mixer(f: Fields) -> Mamba2:
    return Mamba2(
        hidden=hidden_size(f),
        heads=f.int("mamba_num_heads"),
        head_dim=f.int("mamba_head_dim"),
        state=f.int("ssm_state_size"),
        groups=f.int(_renamed(f, "n_groups", "mamba_n_groups")),
        conv_kernel=f.int(_renamed(f, "conv_kernel", "mamba_d_conv")),
        proj_bias=f.flag("use_bias"),
        out_bias=f.flag("use_bias"),
        conv_bias=f.flag(_renamed(f, "use_conv_bias", "mamba_conv_bias")),
        state_bits=state_bits(f, "mamba_ssm_cache_dtype", "float32"),
    )


def _attention(f: Fields) -> Attention:
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kv_heads, head_dim = kv_head_count(f, heads), head_width(f, hidden, heads)
    return Attention(hidden=hidden, heads=heads, kv_heads=kv_heads, head_dim=head_dim)


def _experts(f: Fields) -> LayerBlocks:
    """Experts without gates; with ``moe_latent_size`` they work in a narrower space than the stream."""
    hidden = hidden_size(f)
    many, used = routed(f, "n_routed_experts", "num_experts_per_tok")
    latent = f.optional_int("moe_latent_size", least=1)
    biases = "ud" if f.flag("mlp_bias") else ""
    blocks: tuple[Block, ...] = (
        Custom(name="router", content=Parts(weights=(_matrix("router", hidden, many),))),
        Mlp(
            hidden=latent or hidden,
            intermediate=f.int("moe_intermediate_size"),
            gated=False,
            component="experts",
            copies=many,
            used=used,
        ),
        Mlp(
            hidden=hidden,
            intermediate=f.int("moe_shared_expert_intermediate_size"),
            gated=False,
            biases=biases,
            component="shared_experts",
        ),
    )
    if latent:
        blocks += (_latent_projections(hidden, latent, bias=bool(biases)),)
    return lambda _: blocks


def _matrix(name: str, rows: int, cols: int) -> Weight:
    return Weight(name=name, component="router", rows=rows, cols=cols)


def _latent_projections(hidden: int, latent: int, *, bias: bool) -> Block:
    """Into the experts' space and out of it; counted as ``mlp``."""
    down = Weight(
        name="fc1_latent_proj", component="mlp", rows=hidden, cols=latent, bias=latent if bias else 0
    )
    up = Weight(name="fc2_latent_proj", component="mlp", rows=latent, cols=hidden, bias=hidden if bias else 0)
    return Custom(name="latent_projections", content=Parts(weights=(down, up)))


@family(
    "nemotron_h",
)
def nemotron_h(f: Fields) -> Model:
    """One norm and one block a layer; the class never ties the head."""
    kinds = _kinds(f)
    f.agree(attention_head_dim=f.int("head_dim"))
    blocks = alternating(
        lambda _, __: kinds,
        {
            LINEAR: same(_mixer),
            FULL: same(_attention),
            MLP: mlp(gated=False, biases=when("mlp_bias", "ud")),
            MOE: _experts,
        },
        layers=len(kinds),
        key="layers_block_type",
    )(f)
    norm = norms(1)(f)
    return assemble(f, [norm(index) + blocks(index) for index in range(len(kinds))], tied=False)
