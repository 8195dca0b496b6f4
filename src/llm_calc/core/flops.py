"""FLOPs of prefill and decode, by component: as the reference classes compute them, and as engines run them.

One multiply-add is 2 FLOPs; only matrix products count (norms, softmax, rotary, look-ups do not).

=============  =======================================================  ===================================
               reference                                                executed
=============  =======================================================  ===================================
scores         every query against every key (S x S), masked or not     causal half, inside windows, top-k
latent cache   decompressed again for the whole context at each step    absorbed into query and output
lm_head        logits of every position                                 one position a sequence
=============  =======================================================  ===================================

Both count routed experts only. Scans of recurrent layers depend on the implementation and stand apart.
Source: Kaplan et al. 2020 (arXiv:2001.08361) section 2.1 for ``2 x parameters``; Chowdhery et al. 2022
(arXiv:2204.02311) appendix B, ``6 L H (2 Q T)`` with the backward pass, for the products with the context; checked:
2026-11-30, both read in quotation.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from llm_calc.core.arrays import Quantity, larger, smaller, where
from llm_calc.core.model import Model
from llm_calc.core.weights import Component, Scores

FLOP_KEYS = (
    "attention_projections",
    "attention_scores",
    "mlp",
    "experts",
    "shared_experts",
    "router",
    "ssm",
    "lm_head",
    "other",
)
_KEY_OF: dict[Component, str] = {"attention": "attention_projections"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flops:
    """FLOPs of one pass, by component; ``scan`` is outside of ``total``."""

    by_component: dict[str, Quantity]
    scan: Quantity = 0
    total: Quantity = field(init=False)

    def __post_init__(self) -> None:
        """Add the components up, scans left out."""
        total: Quantity = 0
        for value in self.by_component.values():
            total = total + value
        object.__setattr__(self, "total", total)


@lru_cache(maxsize=512)
def _per_token(model: Model) -> tuple[tuple[str, float, float], ...]:
    """(key, FLOPs a new token, FLOPs a cached token where the reference class decompresses) of each component."""
    table: dict[str, list[float]] = {key: [0, 0] for key in FLOP_KEYS}
    for placed in model.placed:
        weight = placed.weight
        key = _KEY_OF.get(weight.component, weight.component)
        row = table[key if key in table else "other"]
        row[weight.over_context] += placed.calls * weight.flops_per_token
    return tuple((key, new, cached) for key, (new, cached) in table.items())


def _projections(model: Model, tokens: Quantity, context: Quantity) -> dict[str, Quantity]:
    """``tokens x 2 x rows x cols x used`` of every matrix; ``context`` is what ``over_context`` ones see."""
    return {key: new * tokens + cached * context for key, new, cached in _per_token(model)}


@lru_cache(maxsize=512)
def _of_one_token(model: Model) -> dict[str, Quantity]:
    return _projections(model, 1, 1)


def _beyond_windows(model: Model, context: Quantity) -> Quantity:
    """What ``over_context`` matrices of windowed layers leave out: cached tokens that their window has dropped."""
    saved: Quantity = 0
    for placed in model.placed:
        window = placed.weight.context_window
        if placed.weight.over_context and window is not None:
            saved = saved + placed.calls * placed.weight.flops_per_token * larger(context - window, 0)
    return saved


def _scan(model: Model, tokens: Quantity) -> Quantity:
    return tokens * _scan_per_token(model)


@lru_cache(maxsize=512)
def _scan_per_token(model: Model) -> float:
    return sum(group.calls * group.parts.scan_flops_per_token for group in model.groups)


def reference_prefill_flops(model: Model, batch: Quantity, tokens: Quantity) -> Flops:
    """Work of the reference classes for ``batch`` prompts of ``tokens``, logits of every position [FLOP].

    ``batch x S x sum over matrices of 2 x rows x cols x used + batch x S x S x sum over layers of FLOPs a pair``.
    Source: Kaplan et al. 2020 (arXiv:2001.08361) section 2.1 for matrices, Chowdhery et al. 2022 (arXiv:2204.02311)
    appendix B for pairs; checked: 2026-11-30, both read in quotation; agrees with a counter that is run on the model
    classes of transformers.
    Leaves out: norms, softmax, rotary embeddings, look-ups; scans stand apart in ``scan``. Windows are masks here,
    which save nothing.
    """
    flops, scan = _projections(model, batch * tokens, batch * tokens), _scan(model, batch * tokens)
    for scores, per_pair, _ in _all_scores(model):
        pairs = batch * tokens * (tokens / scores.tokens_per_key if scores.tokens_per_key > 1 else tokens)
        work = per_pair * pairs
        if scores.with_scan:
            scan = scan + work
        else:
            flops["attention_scores"] = flops["attention_scores"] + work
    return Flops(by_component=flops, scan=scan)


@lru_cache(maxsize=512)
def _all_scores(model: Model) -> tuple[tuple[Scores, int, int], ...]:
    """Every kind of scores with the FLOPs a pair of all its layers, as they are and on a latent cache."""
    return tuple(
        (scores, group.calls * scores.flops_per_pair, group.calls * scores.absorbed_flops_per_pair)
        for group in model.groups
        for scores in group.parts.scores
    )


def reference_decode_flops(model: Model, context: Quantity, *, absorbed: bool = False) -> Flops:
    """Work of the reference classes for one token of one sequence after ``context`` cached tokens [FLOP].

    ``sum over matrices of 2 x rows x cols x used + sum over layers of min(context + 1, window) x FLOPs a pair``; a
    latent cache is decompressed for all of it, ``(context + 1) x 2 x rows x cols``.
    Source: as :func:`reference_prefill_flops`. With ``absorbed`` latent attention counts as engines run it, on the
    compressed cache (vLLM 0.33.0 ``model_executor/layers/attention/mla_attention.py``; checked: 2026-11-30, read);
    the reference classes decompress the whole cache at every step, which no engine does. All else is equal.
    Leaves out: as prefill; sparse selections, which the reference classes mask.
    """
    flops, scan = dict(_of_one_token(model)), _scan(model, 1)
    if not absorbed:
        flops = _projections(model, 1, context + 1)
        flops["attention_projections"] = flops["attention_projections"] - _beyond_windows(model, context + 1)
    for scores, plain, latent in _all_scores(model):
        work = (latent if absorbed else plain) * _visible(scores, context + 1)
        if scores.with_scan:
            scan = scan + work
        else:
            flops["attention_scores"] = flops["attention_scores"] + work
    return Flops(by_component=flops, scan=scan)


def _visible(scores: Scores, keys: Quantity) -> Quantity:
    compressed = keys // scores.tokens_per_key if scores.tokens_per_key > 1 else keys
    return compressed if scores.window is None else smaller(compressed, scores.window)


def executed_prefill_flops(model: Model, batch: Quantity, tokens: Quantity) -> Flops:
    """Work of an engine for ``batch`` prompts of ``tokens``: causal, windowed, one logit a sequence [FLOP].

    ``batch x S x sum over matrices of 2 x rows x cols x used + batch x sum over layers of executed_pairs x FLOPs a
    pair``, the head once a sequence.
    Source: vLLM 0.33.0 ``v1/attention/ops/triton_attention_helpers.py``, ``compute_tile_loop_bounds``: tiles that a
    causal mask hides are not visited; checked: 2026-11-30, read.
    Leaves out: blocks on the diagonal that kernels compute in full, and padding of tiles.
    """
    flops = _projections(model, batch * tokens, batch * tokens)
    flops["lm_head"] = batch * model.head.flops_per_token
    for group in model.groups:
        for scores in group.parts.scores:
            pairs = batch * executed_pairs(scores, tokens)
            flops["attention_scores"] = (
                flops["attention_scores"] + group.calls * scores.flops_per_pair * pairs
            )
    return Flops(by_component=flops, scan=_scan(model, batch * tokens))


def executed_pairs(scores: Scores, tokens: Quantity) -> Quantity:
    """Query-key pairs that a causal kernel visits in a prompt of S = ``tokens`` [pairs].

    Full: ``S (S + 1) / 2``. Within a limit w (window or selection): ``S (S + 1) / 2`` for ``S <= w``, else ``w (w +
    1) / 2 + (S - w) w``. Chunked: whole chunks of ``w (w + 1) / 2`` and the rest. A cache of one key for c tokens has
    ``S / c`` keys.
    Definition: query number i sees the keys 1 to i, at most w of them.
    """
    keys = tokens / scores.tokens_per_key if scores.tokens_per_key > 1 else tokens
    limit = _limit(scores)
    triangle = tokens * (keys + 1) / 2
    if limit is None:
        return triangle
    if scores.chunked:
        chunks = tokens // limit
        rest = tokens - chunks * limit
        return chunks * limit * (limit + 1) / 2 + rest * (rest + 1) / 2
    inside = limit * scores.tokens_per_key
    beyond = inside * (limit + 1) / 2 + larger(tokens - inside, 0) * limit
    return where(tokens <= inside, triangle, beyond)


def _limit(scores: Scores) -> int | None:
    limits = [limit for limit in (scores.window, scores.top_k) if limit is not None]
    return min(limits) if limits else None


def executed_keys(scores: Scores, context: Quantity) -> Quantity:
    """Keys that one decode step visits at ``context`` tokens, itself included [keys].

    ``min(context / c, w)`` with a limit w and c tokens a key; beyond w a chunked window holds ``(w + 1) / 2`` on
    average.
    Definition: windows and selections bound what is visited; a chunk fills from 1 to w.
    """
    keys = context / scores.tokens_per_key if scores.tokens_per_key > 1 else context
    limit = _limit(scores)
    if limit is None:
        return keys
    if scores.chunked:
        return where(keys <= limit, keys, (limit + 1) / 2)
    return smaller(keys, limit)


def executed_decode_flops(model: Model, context: Quantity) -> Flops:
    """Work that an engine executes for one token after ``context`` tokens, latent caches absorbed [FLOP].

    ``sum over matrices of 2 x rows x cols x used + sum over layers of executed_keys x absorbed FLOPs a pair``.
    Source: as :func:`executed_prefill_flops`; vLLM 0.33.0 ``model_executor/layers/attention/mla_attention.py`` for
    latent caches; checked: 2026-11-30, read.
    Leaves out: norms, softmax, look-ups, sampling, padding of tiles.
    """
    flops = _projections(model, 1, 1)
    for group in model.groups:
        for scores in group.parts.scores:
            keys = executed_keys(scores, context + 1)
            flops["attention_scores"] = (
                flops["attention_scores"] + group.calls * scores.absorbed_flops_per_pair * keys
            )
    return Flops(by_component=flops, scan=_scan(model, 1))
