"""DiffusionGemma: Gemma 4 with experts that writes a block of tokens in several passes over all of it.

Its encoder and its decoder are one stack of weights. Source: parameter shapes and ties of the class of transformers
5.24.0; ``checked: 2026-11-30``, by count.
"""

from llm_calc.core.architectures.families.gemma_small import gemma4_text
from llm_calc.core.architectures.families.multimodal import vision
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.towers.parts import Weights
from llm_calc.core.architectures.towers.projectors import matrix
from llm_calc.core.architectures.towers.wrapper import Wrapper
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

PASSES = "diffusion_gemma writes blocks of canvas_length tokens in several passes over each; one a token is counted"
LIKE_GEMMA_4: dict[str, object] = {
    "attention_k_eq_v": True,
    "enable_moe_block": True,
    "num_kv_shared_layers": 0,
    "use_double_wide_mlp": False,
}
"""What its class builds without a key for it."""


@family("diffusion_gemma_text")
def diffusion_gemma_text(f: Fields) -> Model:
    """Every layer has experts beside the dense block; values of global layers are their keys."""
    f.fallbacks = {**f.fallbacks, **LIKE_GEMMA_4}
    if f.flag("attention_bias"):
        raise f.refusal("attention_bias", "false: biases of its encoder and its decoder stand apart")
    f.assume(PASSES)
    return gemma4_text(f)


def _self_conditioning(f: Fields, text: Model) -> Weights:
    """What takes the last pass's guess in: a norm and a gated block."""
    if not f.flag("tie_word_embeddings"):
        raise f.refusal("tie_word_embeddings", "true: its encoder and its decoder are one stack")
    inner = f.part("text_config").int("intermediate_size")
    shapes = {"gate": (text.hidden, inner), "up": (text.hidden, inner), "down": (inner, text.hidden)}
    matrices = (
        Weight(name=f"self_conditioning.{name}", component="other", rows=rows, cols=cols)
        for name, (rows, cols) in shapes.items()
    )
    return (vector("self_conditioning.norm", "norms", text.hidden), *matrices)


register(
    "diffusion_gemma",
    read=Wrapper(towers=vision(matrix(bias=False)), further=_self_conditioning),
    group="multimodal",
)
