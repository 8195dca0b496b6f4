"""Models told apart by the work of their decoders, whatever they are called."""

from functools import lru_cache

from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.model import Model


@lru_cache(maxsize=512)
def shape_of(model: Model) -> str:
    """A model by its decoder, whatever it is called: two with one shape do the same work a token.

    ``layers x hidden x vocabulary x experts / parameters of the layers / bytes of the cache a token, below and
    beyond windows``; towers for pictures and sound and tied heads make no difference.
    """
    layers = sum(placed.stored * placed.weight.params for placed in model.placed if placed.indices)
    caches = (kv_cache_bytes_per_token(model), kv_cache_bytes_per_token(model, beyond_windows=True))
    sizes = f"{model.num_layers}x{model.hidden}x{model.vocab}x{model.num_experts}"
    return f"{sizes}/{layers}/{caches[0]:.0f}+{caches[1]:.0f}"
