"""What a request needs on each GPU: weights, KV cache, activations, with and without overheads."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from llm_calc.core import memory
from llm_calc.core.arrays import Quantity, ceil_div
from llm_calc.core.formats import NumberFormat, WeightRecipe
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """Factors of 1 or more: fragmentation and padding of each part, and of the whole system."""

    weights: float = 1.05
    kv_cache: float = 1.05
    activations: float = 1.1
    system: float = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes of the three parts."""

    weights_bytes: Quantity
    kv_cache_bytes: Quantity
    activations_bytes: Quantity

    @property
    def total_bytes(self) -> Quantity:
        """Sum of the parts [bytes].

        ``weights + KV cache + activations``.
        Definition: the three parts that the documented answer lists.
        """
        return self.weights_bytes + self.kv_cache_bytes + self.activations_bytes

    def with_overheads(self, overheads: Overheads) -> "Footprint":
        """Each part times its own factor [bytes].

        ``part x factor``.
        Choice: flat factors (1.05, 1.05, 1.1), which a request can set; causes and measured sizes of overheads are in
        ``overheads``.
        Leaves out: what does not grow with the part, such as a device's context.
        """
        return Footprint(
            weights_bytes=self.weights_bytes * overheads.weights,
            kv_cache_bytes=self.kv_cache_bytes * overheads.kv_cache,
            activations_bytes=self.activations_bytes * overheads.activations,
        )

    def system_bytes(self, overheads: Overheads) -> Quantity:
        """All parts with their factors, times the factor of the system [bytes].

        ``(weights x f + KV cache x g + activations x h) x system``.
        Choice: a flat factor (1.05), which a request can set.
        Leaves out: the same as :meth:`with_overheads`.
        """
        return self.with_overheads(overheads).total_bytes * overheads.system


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How numbers are stored: a recipe for weights, one format for KV cache and activations.

    ``values``: of cached values, where they are stored otherwise than keys.
    """

    recipe: WeightRecipe
    cache: NumberFormat
    activations: NumberFormat
    values: NumberFormat | None = None

    @property
    def value_cache(self) -> NumberFormat:
        """The format of cached values [bits].

        Definition: that of keys unless they differ.
        """
        return self.values or self.cache

    @cached_property
    def cache_format(self) -> memory.CacheFormat:
        """Bytes an element of the cache, and of recurrent state, which has the width of activations [bytes].

        Definition: the two widths that :func:`.memory.cache_bytes` asks for; the mean of keys and values, of which
        there are as many.
        """
        return _cache_format(self.cache, self.value_cache, self.activations)


@lru_cache(maxsize=256)
def _cache_format(cache: NumberFormat, values: NumberFormat, activations: NumberFormat) -> memory.CacheFormat:
    return memory.CacheFormat(
        bytes_per_element=(cache.bytes_per_element + values.bytes_per_element) / 2,
        state_bytes_per_element=activations.bytes_per_element,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A layout, and over how many GPUs each sequence itself is cut (sequence or context parallelism).

    Sequence parallelism replicates the weights and deals tokens: cache and activations shrink, weights do not.
    """

    layout: Layout = Layout()
    sequence: int = 1

    @property
    def gpus(self) -> int:
        """GPUs of the deployment [GPUs].

        ``tensor x pipeline x data x sequence``.
        Definition: sequence parallelism multiplies the GPUs of a layout.
        """
        return self.layout.gpus * self.sequence


def whole_footprint(model: Model, numbers: Numbers, batch: Quantity, tokens: Quantity) -> Footprint:
    """What one copy of the model needs for ``batch`` sequences of ``tokens``, as if on one GPU [bytes].

    Definition: :func:`.memory.weights_bytes`, :func:`.memory.kv_cache_bytes` and :func:`.memory.activation_bytes`
    side by side.
    """
    return Footprint(
        weights_bytes=memory.weights_bytes(model, numbers.recipe),
        kv_cache_bytes=memory.kv_cache_bytes(model, tokens, batch, numbers.cache_format),
        activations_bytes=memory.activation_bytes(
            model, batch, tokens, numbers.activations.bytes_per_element
        ),
    )


def gpu_footprint(
    model: Model, numbers: Numbers, split: Split, batch: Quantity, tokens: Quantity
) -> Footprint:
    """What no GPU exceeds: of each part the share of the GPU that holds most of it [bytes].

    ``ceil(tokens / sequence)`` tokens of ``ceil(batch / data)`` sequences on the fullest GPU of each part.
    Definition: where pipeline stages are uneven (embedding, head, layers that do not divide, kinds of layers)
    different stages may hold most weights and most cache; their sum then bounds what any one GPU holds from above,
    and every share times the GPUs is at least the whole.
    """
    layout, local_tokens = split.layout, ceil_div(tokens, split.sequence)
    return Footprint(
        weights_bytes=memory.weights_bytes_per_gpu(model, numbers.recipe, layout),
        kv_cache_bytes=memory.kv_cache_bytes_per_gpu(
            model, layout, local_tokens, batch, numbers.cache_format
        ),
        activations_bytes=memory.activation_bytes(
            model,
            ceil_div(batch, layout.data),
            local_tokens,
            numbers.activations.bytes_per_element,
            layout.tensor,
        ),
    )
