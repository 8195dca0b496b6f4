"""Attention blocks: multi-head, grouped, multi-query, windowed; latent (MLA); sparse indexer (DSA)."""

from dataclasses import dataclass

from llm_calc.core.blocks.parts import Parts
from llm_calc.core.weights import Cache, CacheKind, Scores, Weight, vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Softmax attention over keys and values of ``kv_heads`` heads.

    hidden -> heads x head_dim (q), kv_heads x head_dim (k), kv_heads x value_dim (v); heads x value_dim -> out.

    ``biases``: the letters of the projections that have one, among ``qkvo``.
    ``vector_params``: elements of q/k norms, attention sinks and other vectors.
    ``q_extra_cols``: further output columns of the q projection (an output gate). ``out``: width of the
    output, ``hidden`` if None. ``window``: keys visible to a query (None: all); ``chunked``: the window
    starts at multiples of itself. ``owns_kv``: has k and v projections; ``caches_kv``: keeps keys and
    values of its own (layers that reuse another's do not). ``owns_v``: values have a projection (else they are
    the projected keys before norm and rotation). ``shared_kv``: one tensor is key and value.
    """

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int | None = None
    biases: str = ""
    vector_params: int = 0
    q_extra_cols: int = 0
    out: int | None = None
    window: int | None = None
    chunked: bool = False
    owns_kv: bool = True
    owns_v: bool = True
    caches_kv: bool = True
    shared_kv: bool = False

    def parts(self) -> Parts:
        """Four projections, the products with the context, and the cache [parameters, FLOP, elements].

        ``hidden x (heads + kv_heads) x head_dim + hidden x kv_heads x value_dim + heads x value_dim x out``
        parameters and the biases; ``2 x heads x (head_dim + value_dim)`` FLOPs a pair; ``kv_heads x (head_dim +
        value_dim)`` cached elements a token.
        Source: ``LlamaAttention`` of transformers 5.24.0; checked: 2026-11-30, read; heads and groups of them are
        described by Vaswani et al. 2017 (arXiv:1706.03762) and Ainslie et al. 2023 (arXiv:2305.13245).
        Leaves out: rotary embeddings, masks and the softmax.
        """
        v_dim = self.value_dim if self.value_dim is not None else self.head_dim
        scores = Scores(
            heads=self.heads,
            qk_dim=self.head_dim,
            v_dim=v_dim,
            window=self.window,
            chunked=self.chunked,
            units=self.heads,
        )
        return Parts(weights=self._weights(v_dim), scores=(scores,), caches=self._caches(v_dim))

    def _weights(self, v_dim: int) -> tuple[Weight, ...]:
        q, out = self.heads * self.head_dim, self.out if self.out is not None else self.hidden
        k, v = self.kv_heads * self.head_dim, self.kv_heads * v_dim
        weights = [self._projection("q", self.hidden, q + self.q_extra_cols, self.heads)]
        if self.owns_kv:
            weights.append(self._projection("k", self.hidden, k, self.kv_heads))
            if self.owns_v and not self.shared_kv:
                weights.append(self._projection("v", self.hidden, v, self.kv_heads))
        weights.append(self._projection("o", self.heads * v_dim, out, self.heads))
        if self.vector_params:
            weights.append(vector("attention_vectors", "attention", self.vector_params))
        return tuple(weights)

    def _projection(self, letter: str, rows: int, cols: int, units: int) -> Weight:
        bias = cols if letter in self.biases else 0
        return Weight(
            name=f"{letter}_proj", component="attention", rows=rows, cols=cols, bias=bias, units=units
        )

    def _caches(self, v_dim: int) -> tuple[Cache, ...]:
        if not self.caches_kv:
            return ()
        kind: CacheKind = "full" if self.window is None else "chunked" if self.chunked else "sliding"
        width = self.head_dim if self.shared_kv else self.head_dim + v_dim
        elements = self.kv_heads * width
        return (Cache(kind=kind, elements_per_token=elements, window=self.window, units=self.kv_heads),)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek-V2): keys and values are stored as one compressed vector.

    Cached per token: ``kv_rank + rope_dim`` elements, the same on every tensor-parallel GPU. Engines
    absorb the decompression into the query and output in decode: scores then run over
    ``kv_rank + rope_dim`` and values over ``kv_rank``. ``q_rank`` None: queries are not compressed.
    ``biases``: letters of ``qkvo``-like projections with a bias: a (both down projections), b (up), o.
    ``vector_params``: elements of the norms inside, if they differ from ``q_rank + kv_rank``.
    ``top_k``: keys visited after a sparse indexer.
    """

    hidden: int
    heads: int
    q_rank: int | None
    kv_rank: int
    nope_dim: int
    rope_dim: int
    v_dim: int
    biases: str = ""
    vector_params: int | None = None
    window: int | None = None
    top_k: int | None = None

    def parts(self) -> Parts:
        """Down and up projections, the products with the context, and the latent cache [parameters, FLOP, elements].

        ``hidden x q_rank + q_rank x heads x (nope_dim + rope_dim) + hidden x (kv_rank + rope_dim) + kv_rank x heads x
        (nope_dim + v_dim) + heads x v_dim x hidden`` parameters and the norms; ``2 x heads x (2 x kv_rank +
        rope_dim)`` FLOPs a pair where absorbed.
        Source: ``DeepseekV3Attention`` of transformers 5.24.0; vLLM 0.33.0
        ``model_executor/layers/attention/mla_attention.py`` for the absorbed products; checked: 2026-11-30, read. The
        idea is that of DeepSeek-V2 (arXiv:2405.04434).
        Leaves out: rotary embeddings, masks and the softmax.
        """
        qk_dim = self.nope_dim + self.rope_dim
        scores = Scores(
            heads=self.heads,
            qk_dim=qk_dim,
            v_dim=self.v_dim,
            absorbed_qk_dim=self.kv_rank + self.rope_dim,
            absorbed_v_dim=self.kv_rank,
            window=self.window,
            top_k=self.top_k,
            units=self.heads,
        )
        cache = Cache(kind="latent", elements_per_token=self.kv_rank + self.rope_dim, window=self.window)
        return Parts(weights=self._weights(qk_dim), scores=(scores,), caches=(cache,))

    def _weights(self, qk_dim: int) -> tuple[Weight, ...]:
        q_width, norms = self.heads * qk_dim, self.vector_params
        if norms is None:
            norms = (self.q_rank or 0) + self.kv_rank
        if self.q_rank is None:
            queries = [self._matrix("q_proj", self.hidden, q_width, "q", self.heads)]
        else:
            queries = [
                self._matrix("q_a_proj", self.hidden, self.q_rank, "a", 1),
                self._matrix("q_b_proj", self.q_rank, q_width, "b", self.heads),
            ]
        kv_b = Weight(
            name="kv_b_proj",
            component="attention",
            rows=self.kv_rank,
            cols=self.heads * (self.nope_dim + self.v_dim),
            units=self.heads,
            over_context=True,
            context_window=self.window,
        )
        return (
            *queries,
            self._matrix("kv_a_proj", self.hidden, self.kv_rank + self.rope_dim, "a", 1),
            kv_b,
            self._matrix("o_proj", self.heads * self.v_dim, self.hidden, "o", self.heads),
            vector("attention_vectors", "attention", norms),
        )

    def _matrix(self, name: str, rows: int, cols: int, letter: str, units: int) -> Weight:
        bias = cols if letter in self.biases else 0
        return Weight(name=name, component="attention", rows=rows, cols=cols, bias=bias, units=units)


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseIndexer:
    """The lightning indexer of DeepSeek sparse attention: scores every cached token with small heads.

    q: ``q_rows`` -> heads x head_dim; k: hidden -> head_dim, with a LayerNorm; weights: hidden -> heads.
    Caches ``head_dim`` elements a token.
    Source: DeepSeek-V3.2-Exp report, section 1, equation 1; checked: 2026-11-30, its first page read.
    """

    hidden: int
    q_rows: int
    heads: int
    head_dim: int

    def parts(self) -> Parts:
        """Three projections, a norm, scores without values, and the cache of index keys [parameters, FLOP, elements].

        ``q_rows x heads x head_dim + hidden x (head_dim + heads) + 2 x head_dim`` parameters; ``2 x heads x
        head_dim`` FLOPs a pair.
        Leaves out: the weighted sum over the heads and the choice of the top k.
        """
        weights = (
            Weight(
                name="indexer_q_proj",
                component="attention",
                rows=self.q_rows,
                cols=self.heads * self.head_dim,
            ),
            Weight(name="indexer_k_proj", component="attention", rows=self.hidden, cols=self.head_dim),
            Weight(name="indexer_weights_proj", component="attention", rows=self.hidden, cols=self.heads),
            vector("indexer_norm", "attention", 2 * self.head_dim),
        )
        scores = Scores(name="indexer_scores", heads=self.heads, qk_dim=self.head_dim, v_dim=0)
        return Parts(
            weights=weights,
            scores=(scores,),
            caches=(Cache(kind="latent", elements_per_token=self.head_dim),),
        )
