"""State-space and recurrent mixers: what a layer keeps of the past has one size, whatever the context.

Shared conventions:

- Every parameter of a mixer, its convolution and its gate norm included, belongs to the component ``ssm``.
- Only the linear projections count as FLOPs of the total. Depthwise convolutions, time-step projections
  and the recurrence itself are the *scan*: what they cost depends on the kernel (sequential, chunked,
  associative), so that they stand apart: ``scan_flops_per_token`` counts the sequential form, a multiply-add
  as 2 FLOPs: ``2 x kernel`` a channel of the convolution, and ``RECURRENCE`` an element of the state.
- A convolution keeps ``kernel`` columns of each channel in the model's 16-bit type (the reference classes;
  engines need the last ``kernel - 1``). Recurrent states are 16 bits wide where neither the checkpoint
  nor the method asks for more: vLLM's ``MambaStateDtypeCalculator`` (``mamba_ssm_cache_dtype`` ``auto``: as
  the convolution's; Kimi delta attention: always 32).
"""

from dataclasses import dataclass

from llm_calc.core.blocks.parts import Parts
from llm_calc.core.weights import Cache, Component, Weight, vector

CONV_STATE_BITS = 16
STATE_BITS = 16
RECURRENCE = 6
"""FLOPs an element of a state: decay and add the input (2 multiply-adds), read out (1)."""


def projection(
    name: str, rows: int, cols: int, *, bias: bool = False, units: int = 1, component: Component = "ssm"
) -> Weight:
    """A linear projection of a mixer [parameters].

    ``rows x cols``, and ``cols`` more with a bias.
    Definition: see ``Weight``.
    """
    return Weight(name=name, component=component, rows=rows, cols=cols, bias=cols if bias else 0, units=units)


def convolution(channels: int, kernel: int, *, bias: bool = False, units: int = 1) -> Weight:
    """A depthwise causal convolution; stored, but never counted as a matrix [parameters].

    ``channels x kernel``, and ``channels`` more with a bias.
    Definition: one filter of ``kernel`` weights for each channel.
    """
    return vector("conv1d", "ssm", channels * (kernel + (1 if bias else 0)), units=units)


def conv_state(channels: int, kernel: int, *, units: int = 1) -> Cache:
    """The last ``kernel`` inputs of each channel of a convolution, of which engines keep all but one."""
    return Cache(
        kind="state",
        state_elements=channels * kernel,
        state_bits=CONV_STATE_BITS,
        spare_state_elements=channels,
        units=units,
    )


def recurrent_state(elements: int, bits: int, *, units: int = 1) -> Cache:
    """The state of a recurrence; ``bits`` 0: no file states its width."""
    return Cache(
        kind="state",
        state_elements=elements,
        state_bits=bits or STATE_BITS,
        state_open=not bits,
        units=units,
    )


def conv_flops(channels: int, kernel: int) -> int:
    """Work of a depthwise convolution for one token [FLOP].

    ``2 x kernel x channels``.
    Definition: a multiply-add for each weight of the filter.
    """
    return 2 * kernel * channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Mamba:
    """Selective state space of the first kind: each of ``inner`` channels has ``state`` numbers of its own.

    hidden -> 2 inner; convolution; inner -> dt_rank + 2 state; dt_rank -> inner; inner -> hidden.
    ``norm_params``: norms over time step, B and C (Jamba). ``fused_selection``: the projection of time
    step, B and C is part of the scan (Zamba, whose channels fall into heads).
    Source: ``MambaMixer`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Gu and Dao 2023
    (arXiv:2312.00752).
    """

    hidden: int
    inner: int
    state: int
    conv_kernel: int
    dt_rank: int
    proj_bias: bool = False
    conv_bias: bool = True
    norm_params: int = 0
    fused_selection: bool = False
    state_bits: int = STATE_BITS

    def parts(self) -> Parts:
        """Projections, convolution, step sizes, decay rates; two states [parameters, elements, FLOP].

        ``hidden x 2 inner + inner x (dt_rank + 2 state) + inner x hidden`` in projections; scan ``2 inner (kernel +
        dt_rank) + 6 inner x state``.
        Leaves out: parallel scans, which compute more.
        """
        inner, state = self.inner, self.state
        selection = self.dt_rank + 2 * state
        scan = conv_flops(inner, self.conv_kernel) + 2 * self.dt_rank * inner + RECURRENCE * inner * state
        if self.fused_selection:
            select = vector("x_proj", "ssm", inner * selection, units=inner)
            scan += 2 * inner * selection
        else:
            select = projection("x_proj", inner, selection, units=inner)
        return Parts(
            weights=(
                projection("in_proj", self.hidden, 2 * inner, bias=self.proj_bias, units=inner),
                convolution(inner, self.conv_kernel, bias=self.conv_bias, units=inner),
                select,
                self._time_step(),
                vector("ssm_vectors", "ssm", inner * (state + 1) + self.norm_params, units=inner),
                projection("out_proj", inner, self.hidden, bias=self.proj_bias, units=inner),
            ),
            caches=(
                conv_state(inner, self.conv_kernel, units=inner),
                recurrent_state(inner * state, self.state_bits, units=inner),
            ),
            scan_flops_per_token=scan,
        )

    def _time_step(self) -> Weight:
        """The matrix from the rank of the time step to all channels; it counts with the scan, not as a product."""
        return Weight(
            name="dt_proj",
            component="ssm",
            rows=self.dt_rank,
            cols=self.inner,
            bias=self.inner,
            kind="vector",
            units=self.inner,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mamba2:
    """State space duality: ``heads`` of ``head_dim`` channels share a decay, ``groups`` share B and C.

    hidden -> gate, x, B, C, time step = 2 inner + 2 groups x state + heads; convolution over x, B and C;
    inner -> hidden.
    Source: ``Mamba2Mixer`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Dao and Gu 2024
    (arXiv:2405.21060).
    """

    hidden: int
    heads: int
    head_dim: int
    state: int
    groups: int
    conv_kernel: int
    proj_bias: bool = False
    out_bias: bool = False
    conv_bias: bool = True
    gate_norm: bool = True
    state_bits: int = STATE_BITS

    def parts(self) -> Parts:
        """Projections, convolution, decay rates, gate norm; two states [parameters, elements, FLOP].

        ``hidden x (2 inner + 2 groups x state + heads) + inner x hidden`` in projections; scan ``2 kernel x channels
        + 6 inner x state``.
        Leaves out: chunked scans, which compute more.
        """
        inner = self.heads * self.head_dim
        channels = inner + 2 * self.groups * self.state
        kernel, heads = self.conv_kernel, self.heads
        return Parts(
            weights=(
                projection(
                    "in_proj", self.hidden, inner + channels + heads, bias=self.proj_bias, units=heads
                ),
                convolution(channels, kernel, bias=self.conv_bias, units=heads),
                vector("ssm_vectors", "ssm", 3 * heads + (inner if self.gate_norm else 0), units=heads),
                projection("out_proj", inner, self.hidden, bias=self.out_bias, units=heads),
            ),
            caches=(
                conv_state(channels, kernel, units=heads),
                recurrent_state(inner * self.state, self.state_bits, units=heads),
            ),
            scan_flops_per_token=conv_flops(channels, kernel) + RECURRENCE * inner * self.state,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortConvolution:
    """A gated short convolution (LFM2): hidden -> 3 hidden; convolution; hidden -> hidden. No recurrence."""

    hidden: int
    conv_kernel: int
    bias: bool = False

    def parts(self) -> Parts:
        """Two projections, the convolution and its state [parameters, elements, FLOP].

        ``hidden x 3 hidden + hidden x hidden`` in projections; scan ``2 kernel x hidden``.
        Source: ``Lfm2ShortConv`` of transformers 5.24.0; checked: 2026-11-30, read.
        Leaves out: the two products of gates.
        """
        hidden, kernel = self.hidden, self.conv_kernel
        return Parts(
            weights=(
                projection("in_proj", hidden, 3 * hidden, bias=self.bias, units=hidden),
                convolution(hidden, kernel, bias=self.bias, units=hidden),
                projection("out_proj", hidden, hidden, bias=self.bias, units=hidden),
            ),
            caches=(conv_state(hidden, kernel, units=hidden),),
            scan_flops_per_token=conv_flops(hidden, kernel),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """Bare depthwise convolutions without bias, ``channels`` wide together (Inkling)."""

    channels: int
    conv_kernel: int

    def parts(self) -> Parts:
        """The convolution and its state [parameters, elements, FLOP].

        Definition: ``channels x kernel`` weights.
        """
        return Parts(
            weights=(convolution(self.channels, self.conv_kernel),),
            caches=(conv_state(self.channels, self.conv_kernel),),
            scan_flops_per_token=conv_flops(self.channels, self.conv_kernel),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RgLru:
    """Real-gated linear recurrent unit with its block (Griffin): gates are block-diagonal by heads.

    hidden -> width twice; convolution; two gates of ``width / heads`` squared a head; width -> hidden; biases
    everywhere. The state is kept in 32 bits. The reference class runs this convolution as a module of its
    own, so that it counts as FLOPs.
    Source: ``modeling_recurrent_gemma.py`` of transformers 5.24.0; checked: 2026-11-30, read. The idea is that of De
    et al. 2024 (arXiv:2402.19427).
    """

    hidden: int
    width: int
    heads: int
    conv_kernel: int

    def parts(self) -> Parts:
        """Three projections, the convolution, gates and decay; two states [parameters, elements, FLOP].

        ``2 hidden x width + width x hidden + 2 width^2 / heads`` and vectors; scan ``4 width^2 / heads + 6 width``.
        Leaves out: roots and exponentials of the gates.
        """
        width, heads = self.width, self.heads
        gate = width * (width // heads)
        conv = Weight(
            name="conv1d", component="ssm", rows=self.conv_kernel, cols=width, bias=width, units=width
        )
        return Parts(
            weights=(
                projection("linear_y", self.hidden, width, bias=True, units=heads),
                projection("linear_x", self.hidden, width, bias=True, units=heads),
                conv,
                vector("rg_lru", "ssm", 2 * (gate + width) + width, units=heads),
                projection("linear_out", width, self.hidden, bias=True, units=heads),
            ),
            caches=(
                conv_state(width, self.conv_kernel, units=heads),
                recurrent_state(width, 32, units=heads),
            ),
            scan_flops_per_token=4 * gate + RECURRENCE * width,
        )
