"""llama.cpp: everything is sized from the options; nothing is profiled, and what does not fit is refused.

Read from llama.cpp of late 2025 (``src/llama-model.cpp``, ``src/llama-kv-cache.cpp``,
``src/llama-kv-cache-iswa.cpp``, ``src/llama-context.cpp``);
https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md.
"""

from dataclasses import dataclass
from typing import ClassVar

from llm_calc.core.arrays import ceil_div
from llm_calc.core.engines.base import Claim, GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of, fullest
from llm_calc.core.engines.llama_cpp_split import Device, devices, layer_bytes
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.overheads import OverheadConstants, compute_buffer_bytes, framework_bytes
from llm_calc.core.weights import Cache

CELL_PADDING = 256
STATE_BYTES = 4.0
"""Recurrent states are kept in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCppRules:
    """What differs between releases of llama.cpp: the catalog says it of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCpp:
    """Options under llama.cpp's own names; ``n_ctx`` None: the model's own; ``n_gpu_layers`` None: all."""

    name: ClassVar[str] = "llama.cpp"

    overheads: OverheadConstants
    rules: LlamaCppRules
    n_ctx: int | None
    n_batch: int
    n_ubatch: int
    n_gpu_layers: int | None
    n_parallel: int
    flash_attn: bool
    swa_full: bool

    def limits(self, setup: Setup) -> Limits:  # noqa: ARG002
        """``n_parallel`` slots, ``n_batch`` tokens a step (in micro-batches of ``n_ubatch``)."""
        return Limits(max_sequences=self.n_parallel, max_batched_tokens=self.n_batch)

    def plan(self, setup: Setup) -> MemoryPlan:
        """Offloaded layers, their cells and the compute buffer on the fullest device [bytes, tokens].

        ``available = memory - weights - compute buffer - framework``, less the host's tensors where memory is shared.
        Source: llama.cpp ``src/llama-model.cpp`` and ``src/llama-kv-cache.cpp``.
        Leaves out: automatic fitting of ``n_gpu_layers``; towers, which come in a file of their own.

        Raises:
            UnsupportedError: tensor or expert parallelism; llama.cpp deals layers to devices.
        """
        for name in ("tensor", "expert"):
            if getattr(setup.layout, name) > 1:
                msg = f"parallelism.{name}: llama.cpp deals layers to devices; use pipeline instead"
                raise UnsupportedError(msg, field=f"parallelism.{name}", accepted=[1])
        layers = setup.model.num_layers + 1
        offloaded = layers if self.n_gpu_layers is None or self.n_gpu_layers < 0 else self.n_gpu_layers
        split = devices(setup.model.num_layers, offloaded, setup.layout.pipeline)
        return fullest([self._device(setup, split, stage) for stage in range(len(split))])

    def _device(self, setup: Setup, split: tuple[Device, ...], stage: int) -> MemoryPlan:
        device, context = split[stage], context_of(setup.model, self.n_ctx)
        weights, host = self._weights(setup, split, device)
        compute = self._compute(setup, device, context)
        framework = framework_bytes(1, self.overheads)
        shared_host = host if setup.gpu.unified_memory else 0.0
        available = setup.memory_bytes - weights - compute - framework - shared_host
        claims = self._claims(setup, device)
        pools = (Pool(name="cells", capacity_bytes=max(0.0, available), claims=claims),) if claims else ()
        per_token = sum(claim.bytes_per_token for claim in claims)
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=setup.memory_bytes,
                usable_bytes=setup.memory_bytes - shared_host,
                weights_bytes=weights,
                host_weights_bytes=host,
                activation_peak_bytes=compute,
                cuda_graphs_bytes=0.0,
                framework_bytes=framework,
                kv_cache_bytes=self._allocated(claims, context),
            ),
            pools=pools,
            available_bytes=available,
            bytes_per_token=per_token,
            tokens_per_replica=int(ceil_div(context, CELL_PADDING)) * CELL_PADDING,
            max_model_len_tokens=context,
            limits=self.limits(setup),
            replicas=setup.layout.data,
            stage=stage,
            notes=self._notes(setup, split),
        )

    def _weights(self, setup: Setup, split: tuple[Device, ...], device: Device) -> tuple[float, float]:
        """Bytes on this device, and bytes that the host alone keeps."""
        stack = layer_bytes(setup.model, setup.numbers.recipe)
        here = sum(stack.layers_bytes[layer] for layer in device.layers) + stack.output_bytes * device.output
        everywhere = sum(stack.layers_bytes[layer] for part in split for layer in part.layers)
        if any(part.output for part in split):
            everywhere += stack.output_bytes
        return here, max(0.0, stack.file_bytes - everywhere)

    def _compute(self, setup: Setup, device: Device, context: int) -> float:
        """With the output: logits and layers; without it the logits stand elsewhere."""
        heads = max((score.heads for group in setup.model.groups for score in group.parts.scores), default=0)
        return float(
            compute_buffer_bytes(
                setup.model,
                micro_batch=min(self.n_ubatch, context),
                context_tokens=context,
                heads=heads,
                flash_attention=self.flash_attn,
                output=device.output,
            )
        )

    def _claims(self, setup: Setup, device: Device) -> tuple[Claim, ...]:
        width = setup.numbers.cache.bytes_per_element
        claims: dict[Claim, int] = {}
        for group, layers in _layers_on(setup.model, device):
            for cache in group.parts.caches:
                for claim in self._claims_of(cache, width):
                    claims[claim] = claims.get(claim, 0) + layers
        return tuple(_times(claim, layers) for claim, layers in claims.items())

    def _claims_of(self, cache: Cache, width: float) -> list[Claim]:
        """Cells in steps of 256; sliding layers hold their window and one micro-batch; states in float32."""
        parts = []
        if cache.elements_per_token:
            window = None if cache.window is None or self.swa_full else cache.window + self.n_ubatch
            parts.append(
                Claim(
                    kind=cache.kind,
                    layers=1,
                    block_bytes=cache.elements_per_token * width * CELL_PADDING,
                    block_tokens=CELL_PADDING,
                    window_tokens=window,
                )
            )
        if cache.state_elements:
            parts.append(
                Claim(
                    kind="state",
                    layers=1,
                    block_bytes=(cache.state_elements - cache.spare_state_elements) * STATE_BYTES,
                    block_tokens=0,
                )
            )
        return parts

    def _allocated(self, claims: tuple[Claim, ...], context: int) -> float:
        """Cells for ``n_ctx`` over all slots; window and state once a slot."""
        total = 0.0
        for claim in claims:
            slots = 1 if claim.block_tokens and claim.window_tokens is None else self.n_parallel
            total += float(claim.blocks(context)) * claim.block_bytes * slots
        return total

    def _notes(self, setup: Setup, split: tuple[Device, ...]) -> tuple[str, ...]:
        notes = ["the input embedding stays in host memory"]
        if split[0].layers.start:
            notes.append(f"layers 0 to {split[0].layers.start - 1} and their cache stay with the host")
        if any(placed.weight.component == "vision" for placed in setup.model.placed):
            notes.append("vision and audio towers come in a file of their own (mmproj) and are not counted")
        if setup.gpu.unified_memory:
            notes.append("memory is shared with the host: what the host keeps counts against it")
        return tuple(notes)


def _layers_on(model: Model, device: Device) -> list[tuple[LayerGroup, int]]:
    counts = ((group, sum(index in device.layers for index in group.indices)) for group in model.groups)
    return [(group, layers) for group, layers in counts if layers]


def _times(claim: Claim, layers: int) -> Claim:
    return Claim(
        kind=claim.kind,
        layers=layers,
        block_bytes=claim.block_bytes * layers,
        block_tokens=claim.block_tokens,
        window_tokens=claim.window_tokens,
    )
