"""Phi-3.5-MoE, whose router takes two experts whatever its file says."""

from llm_calc.core.architectures.families.llama import BIASES
from llm_calc.core.architectures.families.mixtures_of_experts import LOCAL_EXPERTS
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, gqa, norms
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import sliding_everywhere
from llm_calc.core.model import Model

_PHIMOE = Decoder(
    attention=gqa(biases=BIASES, windows=sliding_everywhere),
    feed_forward=LOCAL_EXPERTS,
    norms=norms(2, bias=True),
    final_norm_bias=True,
    head_bias=lambda f: f.flag("lm_head_bias"),
)


@family("phimoe")
def phimoe(f: Fields) -> Model:
    """Phi-3.5-MoE: its sparse mixer sends every token to two experts."""
    if f.int("num_experts_per_tok") != 2:
        f.assume("num_experts_per_tok is not 2, which the class's router always takes; the file was followed")
    return _PHIMOE(f)
