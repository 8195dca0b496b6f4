"""Linear attention: keys and values are summed into a matrix a head instead of being kept one by one.

The conventions on components, scans and states are those of ``recurrent``.
"""

from dataclasses import dataclass

from llm_calc.core.blocks.parts import Parts
from llm_calc.core.blocks.recurrent import (
    RECURRENCE,
    STATE_BITS,
    conv_flops,
    conv_state,
    convolution,
    projection,
    recurrent_state,
)
from llm_calc.core.weights import Weight, vector

DELTA_RECURRENCE = 8
"""FLOPs an element of a state under the delta rule: it is read once more, before it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedDeltaNet:
    """Gated delta rule: one state of key_dim x value_dim for each value head.

    hidden -> q, k, v, output gate, and one decay and one write strength a value head; convolution over q, k
    and v; value width -> hidden.
    Source: ``Qwen3NextGatedDeltaNet`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Yang et
    al. 2024 (arXiv:2412.06464).
    """

    hidden: int
    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    conv_kernel: int
    state_bits: int = STATE_BITS

    def parts(self) -> Parts:
        """Projections, convolution, decay, gate norm; two states [parameters, elements, FLOP].

        ``hidden x (2 x keys + 2 x values + 2 x value_heads) + values x hidden`` parameters of projections; a state of
        ``value_heads x key_dim x value_dim``; scan ``2 x kernel x (2 x keys + values) + 8 x state`` FLOPs a token.
        Leaves out: chunked kernels, which trade FLOPs for larger products.
        """
        keys, values = self.key_heads * self.key_dim, self.value_heads * self.value_dim
        channels, heads, kernel = 2 * keys + values, self.value_heads, self.conv_kernel
        state = heads * self.key_dim * self.value_dim
        return Parts(
            weights=(
                projection("in_proj_qkvz", self.hidden, channels + values, units=self.key_heads),
                projection("in_proj_ba", self.hidden, 2 * heads, units=heads),
                convolution(channels, kernel, units=self.key_heads),
                vector("ssm_vectors", "ssm", 2 * heads + self.value_dim),
                projection("out_proj", values, self.hidden, units=heads),
            ),
            caches=(
                conv_state(channels, kernel, units=self.key_heads),
                recurrent_state(state, self.state_bits, units=heads),
            ),
            scan_flops_per_token=conv_flops(channels, kernel) + DELTA_RECURRENCE * state,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KimiDelta:
    """Kimi delta attention: the gated delta rule with a decay a channel.

    hidden -> q, k, v, write strength a head; decay and output gate of full width, through ``gate_rank``
    (None: directly; ``direct_output_gate``: the decay alone goes through it); convolution over q, k and v; width ->
    hidden. The state, ``head_dim`` squared a head, is kept in 32 bits.
    Source: ``modeling_kimi_linear.py`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Kimi
    Linear (arXiv:2510.26692).
    """

    hidden: int
    heads: int
    head_dim: int
    conv_kernel: int
    gate_rank: int | None = None
    direct_output_gate: bool = False

    def parts(self) -> Parts:
        """Projections, gates, convolution, decay, gate norm; two states [parameters, elements, FLOP].

        ``3 x hidden x width + hidden x heads + width x hidden`` parameters of projections, the two gates besides; a
        state of ``heads x head_dim^2``; scan ``2 x kernel x 3 x width + 8 x state`` FLOPs a token.
        Leaves out: chunked kernels, which trade FLOPs for larger products.
        """
        heads, dim, kernel = self.heads, self.head_dim, self.conv_kernel
        width, state = heads * dim, heads * dim * dim
        return Parts(
            weights=(
                *(
                    projection(name, self.hidden, width, units=heads)
                    for name in ("q_proj", "k_proj", "v_proj")
                ),
                *self._gate("f", width, self.gate_rank),
                *self._gate("g", width, None if self.direct_output_gate else self.gate_rank),
                projection("b_proj", self.hidden, heads, units=heads),
                convolution(3 * width, kernel, units=heads),
                vector("ssm_vectors", "ssm", width + heads + dim),
                projection("o_proj", width, self.hidden, units=heads),
            ),
            caches=(conv_state(3 * width, kernel, units=heads), recurrent_state(state, 32, units=heads)),
            scan_flops_per_token=conv_flops(3 * width, kernel) + DELTA_RECURRENCE * state,
        )

    def _gate(self, letter: str, width: int, rank: int | None) -> tuple[Weight, ...]:
        if rank is None:
            return (projection(f"{letter}_proj", self.hidden, width, units=self.heads),)
        return (
            projection(f"{letter}_a_proj", self.hidden, rank),
            projection(f"{letter}_b_proj", rank, width, units=self.heads),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LightningAttention:
    """Lightning attention: a fixed decay a head, an output gate and a norm over all heads.

    hidden -> q, k, v; hidden -> gate; width -> hidden.
    Source: ``MiniMaxLightningAttention`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of
    MiniMax-01 (arXiv:2501.08313).
    """

    hidden: int
    heads: int
    head_dim: int
    state_bits: int = STATE_BITS

    def parts(self) -> Parts:
        """Four projections and the norm; one state [parameters, elements, FLOP].

        ``5 x hidden x width + width`` parameters; a state of ``heads x head_dim^2``; scan ``6 x state`` FLOPs a
        token.
        Leaves out: chunked kernels, which trade FLOPs for larger products.
        """
        heads, dim = self.heads, self.head_dim
        width, state = heads * dim, heads * dim * dim
        return Parts(
            weights=(
                projection("qkv_proj", self.hidden, 3 * width, units=heads),
                projection("output_gate", self.hidden, width, units=heads),
                vector("norm", "ssm", width, units=heads),
                projection("out_proj", width, self.hidden, units=heads),
            ),
            caches=(recurrent_state(state, self.state_bits, units=heads),),
            scan_flops_per_token=RECURRENCE * state,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixLstm:
    """The mLSTM of xLSTM: a matrix a head, with a normaliser and a maximum.

    hidden -> q, k (``key_width``), v, output gate (``value_width``), an input and a forget gate a head
    (always with biases); value_width -> hidden. ``bias``: of everything else, the norm over heads included.
    The state is kept in 32 bits.
    Source: ``modeling_xlstm.py`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Beck et al.
    2025 (arXiv:2503.13427).
    """

    hidden: int
    heads: int
    key_width: int
    value_width: int
    bias: bool = False

    def parts(self) -> Parts:
        """Projections and the norm; the state [parameters, elements, FLOP].

        ``2 x hidden x keys + 2 x hidden x values + hidden x 2 x heads + values x hidden`` parameters of projections;
        a state of ``keys x values / heads + keys + heads``; scan ``6 x (keys x values / heads + keys)`` FLOPs a
        token.
        Leaves out: chunked kernels, which trade FLOPs for larger products.
        """
        keys, values, heads = self.key_width, self.value_width, self.heads
        wide = (("q", keys), ("k", keys), ("v", values), ("ogate_preact", values))
        memory = keys * values // heads
        return Parts(
            weights=(
                *(projection(name, self.hidden, cols, bias=self.bias, units=heads) for name, cols in wide),
                projection("ifgate_preact", self.hidden, 2 * heads, bias=True, units=heads),
                vector("multihead_norm", "ssm", values * (2 if self.bias else 1), units=heads),
                projection("out_proj", values, self.hidden, bias=self.bias, units=heads),
            ),
            caches=(recurrent_state(memory + keys + heads, 32, units=heads),),
            scan_flops_per_token=RECURRENCE * (memory + keys),
        )
