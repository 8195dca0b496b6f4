"""DeepSeek-V2, V3, V3.2 and decoders of the same build: latent attention, shared and routed experts."""

from llm_calc.adapters.architectures.latent import latent
from llm_calc.adapters.architectures.mixtures import first_dense, mixture, shared_times
from llm_calc.adapters.architectures.pieces import Decoder, when
from llm_calc.adapters.architectures.registry import register

BIASES = when("attention_bias", "ao")
EXPERTS = mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times())

register("deepseek_v2", read=Decoder(attention=latent(biases=BIASES), feed_forward=EXPERTS))
register("deepseek_v3", read=Decoder(attention=latent(biases=BIASES), feed_forward=EXPERTS))
register(
    "kimi_k2", defaults="deepseek_v3", read=Decoder(attention=latent(biases=BIASES), feed_forward=EXPERTS)
)
register("deepseek_v32", read=Decoder(attention=latent(biases=BIASES, indexer=True), feed_forward=EXPERTS))
