"""What a block of a model is made of, as engines and counters see it.

Every block (attention, feed-forward, norm, …) describes itself by four kinds of parts, and every figure of
the product is a sum over them:

==============  ================================================================================
part            what follows from it
==============  ================================================================================
``Weight``      parameters, weight bytes, FLOPs of projections, bytes streamed, sharding
``Scores``      FLOPs of products whose size depends on the context (QK^T, PV, indexers)
``Cache``       KV cache and recurrent state: bytes that grow, that are windowed, that are constant
``scan``        FLOPs of a recurrence, per token
==============  ================================================================================
"""

from dataclasses import dataclass
from typing import Literal, get_args

Component = Literal[
    "embedding",
    "lm_head",
    "attention",
    "mlp",
    "experts",
    "shared_experts",
    "router",
    "norms",
    "ssm",
    "vision",
    "other",
]
COMPONENTS: tuple[Component, ...] = get_args(Component)

WeightKind = Literal["matrix", "vector", "table"]
"""``matrix``: multiplies activations. ``vector``: norm, bias, scalar. ``table``: looked up, never multiplied."""

Place = Literal["text", "patches", "tokens", "sound", "speech", "beside"]
"""Who meets a weight: ``text``: what the model writes; of towers each of an image's ``patches``, or each of the
``tokens`` that they become; ``sound``: what is heard; ``speech``: what is spoken; ``beside``: nothing that is read."""

CacheKind = Literal["full", "sliding", "chunked", "latent", "compressed", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One tensor, or ``copies`` tensors of one shape (experts).

    ``rows`` x ``cols`` is input width x output width of ``y = x W + b``; a vector has ``rows = 1``.
    ``bias``: elements of b (per copy). ``used``: how many of the copies each token passes through
    (experts: the routed k); 0 for parts that text tokens never meet (vision towers).
    ``units``: into how many pieces tensor parallelism may split it (heads for projections of
    attention, the width for feed-forward matrices, 1 for what every GPU holds whole); with more GPUs
    than units the pieces are replicated.
    ``over_context``: the reference class applies it to every cached token at each decode step (the
    decompression of a latent cache), or to the last ``context_window`` of them; engines absorb it, and then it
    costs one application per new token.
    ``place``: who meets it. ``met``: in a tower, how many of the copies each does (None: all). ``attending``: in a
    tower, width of the queries that it makes, each of which is compared with all patches.
    """

    name: str
    component: Component
    cols: int
    rows: int = 1
    bias: int = 0
    copies: int = 1
    used: float = 1
    kind: WeightKind = "matrix"
    units: int = 1
    over_context: bool = False
    context_window: int | None = None
    place: Place = "text"
    met: int | None = None
    attending: int = 0

    @property
    def params(self) -> int:
        """Number of parameters, all copies [parameters].

        ``copies x (rows x cols + bias)``.
        Definition: the elements of the tensor as a checkpoint holds it, scales of its number format not counted.
        """
        return self.copies * (self.rows * self.cols + self.bias)

    @property
    def matrix_params(self) -> int:
        """Parameters without biases, all copies [parameters].

        ``copies x rows x cols``.
        Definition: as ``params``.
        """
        return self.copies * self.rows * self.cols

    @property
    def active_params(self) -> float:
        """Parameters that one token meets [parameters].

        ``params x used / copies`` for routed experts, ``params`` for everything else; a tower that no text token
        meets counts in full.
        Definition: the "active" parameters by which mixtures of experts are named.
        """
        return (
            self.params
            if self.used >= self.copies or not self.used
            else self.params * self.used / self.copies
        )

    @property
    def flops_per_token(self) -> float:
        """Multiplications and additions for one token [FLOP].

        ``2 x rows x cols x used`` for a matrix; 0 for vectors and tables.
        Source: Kaplan et al. 2020 (arXiv:2001.08361) section 2.1; checked: 2026-11-30, read in quotation; a
        multiply-add is 2 FLOPs.
        Leaves out: biases, norms, activation functions and look-ups.
        """
        return 2 * self.rows * self.cols * self.used if self.kind == "matrix" else 0


def vector(name: str, component: Component, elements: int, *, units: int = 1) -> Weight:
    """A one-dimensional parameter of ``elements`` parameters [parameters]: norm weights, sinks, decay rates.

    Definition: ``rows = 1``, ``cols = elements``.
    """
    return Weight(name=name, component=component, cols=elements, kind="vector", units=units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Products between a new token and the tokens before it: 2 (qk_dim + v_dim) FLOPs a head and key.

    ``window``: keys that an engine really visits per query (sliding or chunked window).
    ``absorbed_qk_dim``, ``absorbed_v_dim``: the widths in decode where an engine works on the latent cache.
    ``top_k``: keys visited after a sparse selection. ``tokens_per_key``: compression of the cache (1: none).
    ``with_scan``: the reference counts them with the recurrence of a mixer, outside of the total.
    """

    heads: int
    qk_dim: int
    v_dim: int
    name: str = "scores"
    window: int | None = None
    chunked: bool = False
    absorbed_qk_dim: int | None = None
    absorbed_v_dim: int | None = None
    top_k: int | None = None
    tokens_per_key: int = 1
    units: int = 1
    with_scan: bool = False

    @property
    def flops_per_pair(self) -> int:
        """Work for one query against one key, all heads [FLOP].

        ``2 x heads x (qk_dim + v_dim)``: the product of query and key, and that of its weight and the value.
        Source: Chowdhery et al. 2022 (arXiv:2204.02311) appendix B, whose ``6 L H (2 Q T)`` is three times it;
        checked: 2026-11-30, read in quotation.
        Leaves out: scaling, masks and the softmax.
        """
        return 2 * self.heads * (self.qk_dim + self.v_dim)

    @property
    def absorbed_flops_per_pair(self) -> int:
        """Work for one query against one key of a latent cache [FLOP]; ``flops_per_pair`` where nothing is latent.

        ``2 x heads x (absorbed_qk_dim + absorbed_v_dim)``.
        Source: vLLM 0.33.0 ``model_executor/layers/attention/mla_attention.py``, the data-movement friendly way,
        where the decompression is absorbed into query and output; checked: 2026-11-30, read.
        Leaves out: the absorbed matrices themselves, which count once for each new token (``Weight.over_context``).
        """
        qk = self.absorbed_qk_dim if self.absorbed_qk_dim is not None else self.qk_dim
        v = self.absorbed_v_dim if self.absorbed_v_dim is not None else self.v_dim
        return 2 * self.heads * (qk + v)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """What one layer keeps of each sequence between steps.

    ``elements_per_token`` numbers for every token of the context, for at most ``window`` tokens (a compressed cache has
    one entry of ``tokens_per_entry`` times as many); plus ``state_elements`` numbers whatever the context.
    ``state_bits``: element width that engines keep the state in (0: the width of the KV cache). ``state_open``: no
    file states that width, so that an engine may take another.
    ``spare_state_elements``: those of the state that the reference class keeps and engines do not.
    ``units``: into how many pieces tensor parallelism may split it (KV heads; 1: a latent cache, held whole).
    """

    kind: CacheKind
    elements_per_token: int = 0
    window: int | None = None
    tokens_per_entry: int = 1
    state_elements: int = 0
    state_bits: int = 0
    state_open: bool = False
    spare_state_elements: int = 0
    units: int = 1
