"""Spark X2.5: windows in three of four layers, and a gate of each head's output.

Source: ``spark2_5.py`` of mlx-lm 0.32.2 and of SGLang 0.5.23, the defaults of the latter's configuration; ``checked:
2026-11-30``, read.
"""

from collections.abc import Mapping

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, gqa, when
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL, SLIDING, by_type, full_every, layer_types
from llm_calc.core.model import Model

UNSAID: Mapping[str, object] = {
    "head_dim": 256,
    "headwise_attn_output_gate": True,
    "hidden_size": 2048,
    "intermediate_size": 6656,
    "max_position_embeddings": 8192,
    "num_attention_heads": 8,
    "num_hidden_layers": 28,
    "num_key_value_heads": 2,
    "sliding_window": 512,
    "tie_word_embeddings": True,
    "vocab_size": 133120,
}
KINDS = frozenset({FULL, SLIDING})


@family("spark2_5")
def spark(f: Fields) -> Model:
    """No matrix has a bias; mlx-lm knows keys for some, SGLang builds none."""
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.agree(attention_bias=False, mlp_bias=False, gate_attn_act_mode="sigmoid")
    if not f.given("tie_word_embeddings"):
        f.assume("tie_word_embeddings is absent: the head was taken as tied, as in mlx-lm; SGLang ties none")
    windows = by_type(layer_types(full_every(4), kinds=KINDS))
    gate = when("headwise_attn_output_gate", "head")
    return Decoder(attention=gqa(gate=gate, windows=windows))(f)
