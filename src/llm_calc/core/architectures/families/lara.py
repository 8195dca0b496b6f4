"""LaRA mini: linear, windowed and full attention in periods of five layers, experts beside a shared one.

Source: parameter shapes and layer rules of the classes of transformers 5.24.0; ``checked: 2026-11-29``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, gated_delta, same, stated
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import Decoder, Piece, gqa, when
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import FULL, SLIDING, Windows, no_window, sliding_everywhere


def _lara_types(_: Fields, layers: int) -> tuple[str, ...]:
    """Periods of five: linear, window, linear, full, window."""
    period = (LINEAR, SLIDING, LINEAR, FULL, SLIDING)
    return tuple(period[index % len(period)] for index in range(layers))


def _lara_attention(*, sliding: bool) -> Piece:
    window: Windows = sliding_everywhere if sliding else no_window
    return gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", windows=window)


register(
    "lara_mini",
    read=Decoder(
        attention=alternating(
            stated(_lara_types),
            {
                FULL: _lara_attention(sliding=False),
                SLIDING: _lara_attention(sliding=True),
                LINEAR: same(gated_delta),
            },
        ),
        feed_forward=mixture(shared_width=lambda f: f.int("shared_expert_intermediate_size")),
    ),
)
