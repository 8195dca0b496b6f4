"""The two blocks of RWKV-4; the conventions on components, scans and states are those of ``recurrent``."""

from dataclasses import dataclass

from llm_calc.core.blocks.parts import Parts
from llm_calc.core.blocks.recurrent import RECURRENCE, projection, recurrent_state
from llm_calc.core.weights import vector


@dataclass(frozen=True, slots=True, kw_only=True)
class RwkvTimeMix:
    """Time mixing of RWKV-4: hidden -> width for receptance, key and value; width -> hidden.

    Counted as attention. Keeps the last input, a numerator, a denominator and a maximum, in 32 bits.
    Source: ``RwkvSelfAttention`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Peng et al.
    2023 (arXiv:2305.13048).
    """

    hidden: int
    width: int

    def parts(self) -> Parts:
        """Four projections, decay and mixing vectors; the state [parameters, elements, FLOP].

        ``3 hidden x width + width x hidden + 2 width + 3 hidden``; scan ``12 width``.
        Leaves out: exponentials.
        """
        hidden, width = self.hidden, self.width
        names = ("key", "value", "receptance")
        inputs = [projection(name, hidden, width, units=width, component="attention") for name in names]
        return Parts(
            weights=(
                *inputs,
                projection("output", width, hidden, units=width, component="attention"),
                vector("time_vectors", "attention", 2 * width + 3 * hidden),
            ),
            caches=(recurrent_state(hidden + 3 * width, 32, units=width),),
            scan_flops_per_token=2 * RECURRENCE * width,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RwkvChannelMix:
    """Channel mixing of RWKV-4, its feed-forward block: it mixes in the last input, and so keeps a state.

    hidden -> intermediate (key), intermediate -> hidden (value), hidden -> hidden (receptance). Counted
    as ``ssm``.
    """

    hidden: int
    intermediate: int

    def parts(self) -> Parts:
        """Three projections and mixing vectors; the last input [parameters, elements].

        ``2 hidden x intermediate + hidden^2 + 2 hidden``.
        Source: ``RwkvFeedForward`` of transformers 5.24.0; checked: 2026-11-30, read.
        Leaves out: the squared ReLU.
        """
        hidden, inner = self.hidden, self.intermediate
        return Parts(
            weights=(
                projection("key", hidden, inner, units=inner),
                projection("value", inner, hidden, units=inner),
                projection("receptance", hidden, hidden, units=hidden),
                vector("time_vectors", "ssm", 2 * hidden),
            ),
            caches=(recurrent_state(hidden, 32),),
        )
