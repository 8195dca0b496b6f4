"""Deployments for tests of engines: real and small models on cards of the catalog."""

from typing import Any

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import build_engine
from llm_calc.core.blocks import Attention, Block, Custom, Mlp, Norm, Parts
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.weights import Cache
from tests.builders import decoder, llama, plain_numbers

GIB = 2**30
ENGINE_NAMES = ("vllm", "sglang", "trtllm", "llama.cpp", "mlx", "generic")
UTILIZATION = {
    "vllm": "gpu_memory_utilization",
    "sglang": "mem_fraction_static",
    "trtllm": "free_gpu_memory_fraction",
    "generic": "memory_utilization",
}


def llama_3_8b() -> Model:
    """Llama-3-8B: 8 KV heads of 128, 128256 tokens of vocabulary."""
    return llama(intermediate=14336, vocab=128256, kv_heads=8)


def sliding(full: int, windowed: int, window: int = 1024) -> Model:
    """Layers with full attention, then layers with a window; 1024 elements a token in each."""

    def layer(width: int | None) -> tuple[Block, ...]:
        attention = Attention(hidden=1024, heads=8, kv_heads=4, head_dim=128, window=width)
        return Norm(width=1024, count=2), attention, Mlp(hidden=1024, intermediate=4096)

    return decoder([layer(None)] * full + [layer(window)] * windowed, hidden=1024, vocab=32000)


def recurrent(full: int, states: int, state_elements: int = 100_000) -> Model:
    """Layers with full attention, and layers that keep a float32 state instead."""
    attention = Attention(hidden=1024, heads=8, kv_heads=4, head_dim=128)
    cache = Cache(kind="state", state_elements=state_elements, state_bits=32, units=8)
    mixer = Custom(name="mixer", content=Parts(caches=(cache,)))
    mlp = Mlp(hidden=1024, intermediate=4096)
    return decoder([(attention, mlp)] * full + [(mixer, mlp)] * states, hidden=1024, vocab=32000)


def setup(
    model: Model | None = None, *, gpu: str = "h100-80gb-sxm", memory_gib: float | None = None, **layout: int
) -> Setup:
    """A model in bf16 on a card, whose memory may be replaced."""
    card = load_catalogs().gpu(gpu)
    if memory_gib is not None:
        card = card.with_memory(int(memory_gib * GIB))
    shape = llama_3_8b() if model is None else model
    return Setup(model=shape, numbers=plain_numbers(), layout=Layout(**layout), gpu=card)  # type: ignore[arg-type]


def engine(name: str, **options: Any) -> Engine:
    """An engine with the catalog's defaults."""
    return build_engine(name, **options)
