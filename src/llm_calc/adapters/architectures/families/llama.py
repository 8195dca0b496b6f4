"""Llama and decoders built like it: RMS norms, rotary positions, gated feed-forward."""

from llm_calc.adapters.architectures.pieces import Decoder, gqa, mlp, when
from llm_calc.adapters.architectures.registry import register
from llm_calc.adapters.architectures.windows import sliding_everywhere

ATTENTION_BIAS = when("attention_bias", "qkvo")

register(
    "llama",
    read=Decoder(attention=gqa(biases=ATTENTION_BIAS), feed_forward=mlp(biases=when("mlp_bias", "gud"))),
)
register("mistral", read=Decoder(attention=gqa(windows=sliding_everywhere)))
register("phi3", read=Decoder(attention=gqa(windows=sliding_everywhere)))
