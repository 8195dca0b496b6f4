"""Nanbeige 4.2: Llama whose whole stack runs several times over one set of weights, with a cache for each pass.

Source: ``nanbeige.py`` of mlx-lm 0.32.2 and of SGLang 0.5.23, the defaults of the latter's configuration; ``checked:
2026-11-30``, read.
"""

from collections.abc import Mapping

from llm_calc.core.architectures.families.llama import BIASES, MLP
from llm_calc.core.architectures.families.recycled import looped
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, gqa
from llm_calc.core.architectures.registry import family
from llm_calc.core.model import Model

MOST_LOOPS = 64
UNSAID: Mapping[str, object] = {
    "attention_bias": False,
    "head_dim": None,
    "hidden_size": 3072,
    "intermediate_size": 10752,
    "loop_loss_weights": None,
    "max_position_embeddings": 4096,
    "mlp_bias": False,
    "num_attention_heads": 48,
    "num_hidden_layers": 22,
    "num_key_value_heads": None,
    "num_loops": 2,
    "tie_word_embeddings": False,
    "vocab_size": 166144,
}


@family("nanbeige")
def nanbeige(f: Fields) -> Model:
    """Each pass ends with the final norm, unless ``skip_loop_final_norm`` keeps it for the last."""
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.agree(enable_double_loop_split=False, loop_share_kv=False, enable_depth_attention=False)
    model = Decoder(attention=gqa(biases=BIASES), feed_forward=MLP)(f)
    loops = _loops(f)
    return looped(model, 0, model.num_layers, loops) if loops > 1 else model


def _loops(f: Fields) -> int:
    """Passes; a loss weight for each pass but the last says them as well, by which mlx-lm goes alone."""
    loops, weights = f.int("num_loops", most=MOST_LOOPS), f.items("loop_loss_weights") or ()
    if weights and len(weights) + 1 != loops:
        f.assume(
            f"loop_loss_weights are of {len(weights) + 1} passes, num_loops says {loops}: engines differ in which "
            "they follow; num_loops was taken"
        )
    return loops
