"""A model's architecture in words, from its parts alone."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Cache, Scores, Weight


@lru_cache(maxsize=512)
def architecture_in_words(model: Model) -> str:
    """One sentence a kind of attention, mixer and feed-forward layer, and one for the ends."""
    sentences = [
        f"{model.model_type}: {model.num_layers} layers of width {model.hidden}, vocabulary of {model.vocab}",
        *_counted(model, _mixers),
        *_counted(model, _feed_forward),
        f"output head {'tied to' if model.head_tied else 'apart from'} the embedding",
    ]
    towers = sum(weight.params for weight in model.outside if weight.component == "vision")
    if towers:
        sentences.append(f"towers and projectors of {towers} parameters")
    return "; ".join(sentences)


def _counted(model: Model, describe: Callable[[LayerGroup], Iterator[str]]) -> Iterator[str]:
    """Each description with the number of layers that it holds for."""
    counts: dict[str, int] = {}
    for group in model.groups:
        for words in describe(group):
            counts[words] = counts.get(words, 0) + group.calls
    for words, layers in counts.items():
        yield f"{layers} {'layer' if layers == 1 else 'layers'} with {words}"


def _mixers(group: LayerGroup) -> Iterator[str]:
    """Attention of every kind, and state-space or linear-attention mixers."""
    parts = group.parts
    for scores in parts.scores:
        yield _attention(scores, parts.weights, parts.caches)
    states = [cache for cache in parts.caches if cache.kind == "state"]
    if states and any(weight.component == "ssm" for weight in parts.weights):
        yield f"a recurrent mixer of {sum(cache.state_elements for cache in states)} state elements"


def _attention(scores: Scores, weights: tuple[Weight, ...], caches: tuple[Cache, ...]) -> str:
    if scores.name != "scores":
        return f"a sparse indexer of {scores.heads} heads of {scores.qk_dim}"
    reach = _reach(scores)
    if scores.absorbed_v_dim is not None:
        cached = sum(cache.elements_per_token for cache in caches if cache.kind == "latent")
        return f"{reach}latent attention of {scores.heads} heads, {cached} elements cached a token"
    kv_heads = next((weight.units for weight in weights if weight.name == "k_proj"), None)
    shared = "" if kv_heads in (None, scores.heads) else f" on {kv_heads} key-value heads"
    return f"{reach}attention of {scores.heads} heads of {scores.qk_dim}{shared}"


def _reach(scores: Scores) -> str:
    """How far a query sees."""
    if scores.window is None:
        return "" if scores.top_k is None else f"sparse (top {scores.top_k}) "
    return f"{'chunked' if scores.chunked else 'sliding'} ({scores.window} tokens) "


def _feed_forward(group: LayerGroup) -> Iterator[str]:
    """Dense layers, and experts with those that every token meets."""
    weights = {(weight.component, weight.name): weight for weight in group.parts.weights}
    dense, routed = weights.get(("mlp", "down_proj")), weights.get(("experts", "down_proj"))
    shared = weights.get(("shared_experts", "down_proj"))
    if dense is not None:
        gated = "gated " if ("mlp", "gate_proj") in weights else ""
        yield f"a {gated}feed-forward of width {dense.rows}"
    if routed is not None:
        beside = f" and shared ones of width {shared.rows}" if shared is not None else ""
        yield f"{routed.copies} experts of width {routed.rows}, {routed.used:g} a token{beside}"
