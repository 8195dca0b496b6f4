"""LongCat-Flash: two latent attentions and two dense blocks a layer, with experts across them, some of them empty."""

from llm_calc.core.architectures.families.deepseek import BIASES
from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.latent import LatentShape
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import assemble, hidden_size
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Custom, Mlp, Norm, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight


def _experts(f: Fields, hidden: int) -> Custom:
    """Routed experts and empty ones that the router may choose as well.

    The empty ones pass a token on and hold nothing in a checkpoint (560 billion parameters as published), though the
    class of transformers 5.24 makes gate and up matrices for them, which nothing reads. That all chosen experts are
    real is an upper bound.
    """
    many, empty, inner = (
        f.int("n_routed_experts"),
        f.optional_int("zero_expert_num") or 0,
        f.int("expert_ffn_hidden_size"),
    )
    _, used = routed(f, "n_routed_experts", "moe_topk")
    biased = f.flag("router_bias", default=False)
    outputs = many + empty
    if empty:
        f.assume(
            f"zero_expert_num: the {empty} empty experts of a layer hold no weights, as in what is published; the "
            "class of transformers 5.24 allocates two matrices for each"
        )
    wide = Weight(
        name="gate_up_proj",
        component="experts",
        rows=hidden,
        cols=2 * inner,
        copies=many,
        used=used,
        units=inner,
    )
    down = Weight(
        name="down_proj", component="experts", rows=inner, cols=hidden, copies=many, used=used, units=inner
    )
    router = Weight(
        name="router", component="router", rows=hidden, cols=outputs, bias=outputs if biased else 0
    )
    return Custom(name="experts", content=Parts(weights=(router, wide, down)))


@family(
    "longcat_flash",
)
def longcat_flash(f: Fields) -> Model:
    """Each layer counts as two positions, since it has two caches; the experts stand in the first."""
    hidden, shape = hidden_size(f), LatentShape.of(f)
    attention = shape.attention(hidden, biases=BIASES(f))
    norms, dense = Norm(width=hidden, count=2), Mlp(hidden=hidden, intermediate=f.int("ffn_hidden_size"))
    second: tuple[Block, ...] = (norms, attention, dense)
    first: tuple[Block, ...] = (*second, _experts(f, hidden))
    return assemble(f, [first, second] * f.int("num_layers", most=MOST_LAYERS))
