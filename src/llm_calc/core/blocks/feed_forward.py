"""Feed-forward blocks: gated or plain, and mixtures of experts."""

from dataclasses import dataclass

from llm_calc.core.blocks.parts import Parts
from llm_calc.core.weights import Component, Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """hidden -> intermediate -> hidden; gated (SwiGLU, GeGLU) with a third matrix beside ``up``.

    ``copies``/``used``: experts of this shape and how many of them a token meets. ``biases``: the letters of
    ``gud`` (gate, up, down) that have one.
    """

    hidden: int
    intermediate: int
    gated: bool = True
    biases: str = ""
    component: Component = "mlp"
    copies: int = 1
    used: float = 1
    out: int | None = None

    def parts(self) -> Parts:
        """Two or three matrices, for each copy [parameters, FLOP].

        ``copies x (2 x hidden x intermediate + intermediate x out)`` gated, ``copies x (hidden x intermediate +
        intermediate x out)`` plain; biases besides.
        Source: ``LlamaMLP`` (gated) and the feed-forward block of RWKV (plain) of transformers 5.24.0; checked:
        2026-11-30, read; Vaswani et al. 2017 (arXiv:1706.03762) section 3.3 for two linear maps, read in
        transcription.
        Leaves out: the activation function.
        """
        out = self.out if self.out is not None else self.hidden
        names = ("gate", "up") if self.gated else ("up",)
        wide = [self._matrix(name, self.hidden, self.intermediate) for name in names]
        return Parts(weights=(*wide, self._matrix("down", self.intermediate, out)))

    def _matrix(self, name: str, rows: int, cols: int) -> Weight:
        return Weight(
            name=f"{name}_proj",
            component=self.component,
            rows=rows,
            cols=cols,
            bias=cols if name[0] in self.biases else 0,
            copies=self.copies,
            used=self.used,
            units=self.intermediate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """Mixture of experts: a router sends each token to ``top_k`` of ``experts``; ``shared`` ones see every token.

    ``router_outputs``: scores computed a token, if not one an expert. ``router_bias``: parameters that the
    router adds (correction biases kept as buffers do not count). ``shared_width``: total width of the shared
    experts (0: none); ``shared_gate``: they have a gate of one output.
    """

    hidden: int
    experts: int
    top_k: int
    intermediate: int
    gated: bool = True
    biases: str = ""
    router_outputs: int | None = None
    router_bias: int = 0
    shared_width: int = 0
    shared_gated: bool = True
    shared_biases: str = ""
    shared_gate: bool = False

    def parts(self) -> Parts:
        """Router, routed experts, shared experts and their gate [parameters, FLOP].

        ``hidden x router_outputs + router_bias`` for the router; ``experts`` times a feed-forward block of which each
        token meets ``top_k``; one of width ``shared_width`` that every token meets.
        Source: ``MixtralExperts``, ``DeepseekV3TopkRouter`` and the shared expert with its gate of
        ``Qwen3NextSparseMoeBlock``, transformers 5.24.0; checked: 2026-11-30, read. The idea is that of Shazeer et
        al. 2017 (arXiv:1701.06538).
        Leaves out: the softmax and the choice of the top k; correction biases that are buffers.
        """
        outputs = self.router_outputs if self.router_outputs is not None else self.experts
        router = Weight(
            name="router", component="router", rows=self.hidden, cols=outputs, bias=self.router_bias
        )
        routed = Mlp(
            hidden=self.hidden,
            intermediate=self.intermediate,
            gated=self.gated,
            biases=self.biases,
            component="experts",
            copies=self.experts,
            used=self.top_k,
        )
        parts = Parts(weights=(router,)) + routed.parts()
        return parts + self._shared() if self.shared_width else parts

    def _shared(self) -> Parts:
        shared = Mlp(
            hidden=self.hidden,
            intermediate=self.shared_width,
            gated=self.shared_gated,
            biases=self.shared_biases,
            component="shared_experts",
        ).parts()
        if not self.shared_gate:
            return shared
        gate = Weight(name="shared_expert_gate", component="shared_experts", rows=self.hidden, cols=1)
        return shared + Parts(weights=(gate,))
