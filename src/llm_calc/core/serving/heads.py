"""Heads that are trained to draft for one model: EAGLE and EAGLE-3, whose first layer reads what the model computed."""

from dataclasses import dataclass

from llm_calc.core.blocks import Attention, Custom, Mlp, Norm, Parts
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Weight, vector

NUMBERS_OF_AN_ID = 4
"""An id of a token has 64 bits, four times those of the numbers beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EagleHead:
    """Decoder layers of the usual kind before a head of ``draft_vocab`` tokens, fed from the model that it drafts for.

    ``features``: layers of the model whose outputs are joined for it, each ``target_hidden`` wide; 0: an EAGLE head of
    the first kind, which reads the last layer's output beside the token and shares the model's head.
    ``own_embedding``: it has a table of its own, else that of the model.
    """

    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    draft_vocab: int
    target_hidden: int
    layers: int = 1
    features: int = 3
    biases: str = ""
    own_embedding: bool = False

    def model(self) -> Model:
        """The head as a model of its own [parameters].

        EAGLE-3: ``features x target_hidden x hidden`` joins the features, the first layer's queries, keys and values
        read ``2 x hidden`` (token and features), and the head is ``hidden x draft_vocab``, with an id for each of its
        tokens. EAGLE: ``2 x hidden x hidden`` joins token and feature, and the first layer has no norm before it.
        Source: vLLM 0.33.0 ``model_executor/models/llama_eagle3.py`` and ``llama_eagle.py``; checked: 2026-11-30, read;
        with it the head of Llama-3.1-8B has the 849 MB of the published file in 16 bits.
        Leaves out: norms of single features, which some heads have.
        """
        first, rest = self._layer(first=True), self._layer(first=False)
        groups = [LayerGroup(indices=(0,), blocks=first)]
        if self.layers > 1:
            groups.append(LayerGroup(indices=tuple(range(1, self.layers)), blocks=rest))
        ends = [self._joining()]
        if self.features:
            ends += [
                vector("final_norm", "norms", self.hidden),
                vector("ids", "other", NUMBERS_OF_AN_ID * self.draft_vocab),
            ]
        head = Weight(
            name="lm_head",
            component="lm_head",
            rows=self.hidden,
            cols=self.draft_vocab if self.features else 0,
            units=self.draft_vocab,
        )
        return Model(
            model_type="eagle3" if self.features else "eagle",
            hidden=self.hidden,
            num_layers=self.layers,
            vocab=self.draft_vocab,
            groups=tuple(groups),
            embedding=self._embedding(),
            head=head,
            outside=tuple(ends),
        )

    def _layer(self, *, first: bool) -> tuple[Custom | Mlp | Norm, ...]:
        norms = 3 if self.features else 1 + (not first)
        return (
            Norm(width=self.hidden, count=norms),
            Custom(name="eagle_attention", content=self._attention(wide=first and self.features > 0)),
            Mlp(hidden=self.hidden, intermediate=self.intermediate),
        )

    def _attention(self, *, wide: bool) -> Parts:
        """Attention of a layer; of the first its queries, keys and values read twice the width."""
        return Attention(
            hidden=self.hidden * (1 + wide),
            heads=self.heads,
            kv_heads=self.kv_heads,
            head_dim=self.head_dim,
            biases=self.biases,
            out=self.hidden,
        ).parts()

    def _joining(self) -> Weight:
        rows = self.features * self.target_hidden if self.features else 2 * self.hidden
        return Weight(name="fc", component="other", rows=rows, cols=self.hidden)

    def _embedding(self) -> tuple[Weight, ...]:
        if not self.own_embedding:
            return ()
        return (
            Weight(
                name="embed_tokens",
                component="embedding",
                rows=self.vocab,
                cols=self.hidden,
                kind="table",
                units=self.vocab,
            ),
        )
