"""Gemma: tied embeddings, wide heads; from the second generation four norms a layer and windows."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, gqa, norms, when
from llm_calc.core.architectures.registry import Reader, register
from llm_calc.core.architectures.windows import by_type, full_every, layer_types
from llm_calc.core.model import Model


def causal(read: Reader) -> Reader:
    """Embedding models see both ways and halve their windows; the counts are those of the generating model."""

    def checked(f: Fields) -> Model:
        if f.raw("use_bidirectional_attention", None) in (True, "all"):
            f.assume(
                "use_bidirectional_attention was ignored: windows and caches are those of causal attention"
            )
        return read(f)

    return checked


BIASES = when("attention_bias", "qkvo")
ALTERNATING = by_type(layer_types(full_every(2)))

register("gemma", read=Decoder(attention=gqa(biases=BIASES)))
register("gemma2", read=Decoder(attention=gqa(biases=BIASES, windows=ALTERNATING), norms=norms(4)))
register("vaultgemma", read=Decoder(attention=gqa(biases=BIASES, windows=ALTERNATING)))
register(
    "gemma3_text",
    read=causal(
        Decoder(
            attention=gqa(
                biases=BIASES,
                qk_norm="head",
                windows=by_type(layer_types(full_every(6, "sliding_window_pattern"))),
            ),
            norms=norms(4),
        ),
    ),
)
