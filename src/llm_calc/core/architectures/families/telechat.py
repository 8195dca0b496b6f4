"""TeleChat 3: Llama whose positions are scaled by a rule of its own.

Source: ``telechat3.py`` of mlx-lm 0.32.2, and the defaults of the authors' ``configuration_telechat3.py``; ``checked:
2026-11-30``, read.
"""

from collections.abc import Mapping

from llm_calc.core.architectures.families.llama import BIASES, MLP
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, filling_width, gqa
from llm_calc.core.architectures.registry import family
from llm_calc.core.model import Model

UNSAID: Mapping[str, object] = {
    "attention_bias": False,
    "head_dim": 128,
    "hidden_size": 6144,
    "intermediate_size": 24576,
    "max_position_embeddings": 2048,
    "mlp_bias": False,
    "num_attention_heads": 48,
    "num_hidden_layers": 64,
    "num_key_value_heads": None,
    "tie_word_embeddings": False,
    "vocab_size": 131072,
}


@family("telechat3")
def telechat3(f: Fields) -> Model:
    """Grouped attention whose heads fill the hidden size, as the authors' class demands."""
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.agree(share_attention=True, share_ffn=False)
    return Decoder(attention=gqa(biases=BIASES, head_dim=filling_width), feed_forward=MLP)(f)
