"""How a quantization is run: the same choice under each program's own names."""

import shlex
from dataclasses import dataclass

from llm_calc.adapters.fit_files import Files
from llm_calc.adapters.hub_files import hub_file
from llm_calc.adapters.wire.fitting import Runners

ALL_LAYERS = 999
MLX_BITS = ((7.5, 8), (6.0, 6), (5.0, 5), (4.0, 4), (0.0, 3))
"""From so many bits of a GGUF kind's matrices the MLX file with like bits is named; the first that applies."""
SIXTEEN_BITS = ("f16", "fp16", "bf16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One row in the terms of a command line.

    ``bits``: of most matrices. ``mlx``: whether that runs such models there. ``vllm``: what that would run instead.
    """

    files: Files
    weights: str
    cache: str
    context_tokens: int
    sequences: int
    gpu_layers: int
    all_layers: int
    bits: float
    mlx: bool
    on_gpu: bool
    experts: bool
    vllm: str | None

    @property
    def hub_file(self) -> str | None:
        """The repository and kind to load, where the request names a repository of GGUF files."""
        return None if self.files.hub is None else hub_file(self.files.hub, self.weights)

    @property
    def cells(self) -> int:
        """Cells of all slots, each padded to 256."""
        return -(-self.context_tokens // 256) * 256 * self.sequences

    @property
    def small_cache(self) -> bool:
        """Whether the cache is quantized."""
        return self.cache not in SIXTEEN_BITS

    @property
    def parts_apart(self) -> bool:
        """Whether layers lie on the GPU but for parts of them: ollama has no option for that, and fits layers."""
        return not self.on_gpu and self.gpu_layers >= self.all_layers


def runners(chosen: Chosen) -> Runners:
    """The commands and settings of one row.

    llama-server, ollama (``OLLAMA_*`` variables and ``num_ctx``/``num_gpu``), LM Studio (names of its settings),
    mlx_lm.server on Apple parts and vLLM with a checkpoint of a like number of bits.
    """
    return Runners(
        llama_cpp=_llama_cpp(chosen),
        ollama=_ollama(chosen),
        lm_studio=_lm_studio(chosen),
        mlx=_mlx(chosen),
        vllm=chosen.vllm,
    )


def _file(chosen: Chosen) -> str:
    return chosen.files.file or f"{chosen.files.title}-{chosen.weights}.gguf"


def _word(name: str) -> str:
    """A name as one literal word of a shell, which no program takes for an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def _llama_cpp(chosen: Chosen) -> str:
    words = [
        "llama-server",
        *(["-m", _word(_file(chosen))] if chosen.hub_file is None else ["-hf", _word(chosen.hub_file)]),
        "-c",
        str(chosen.cells),
        "-np",
        str(chosen.sequences),
    ]
    if chosen.small_cache:
        words += ["-ctk", chosen.cache, "-ctv", chosen.cache]
    if chosen.on_gpu:
        words += ["-ngl", str(ALL_LAYERS)]
    else:
        words += ["--fit", "on"]
    return " ".join(words)


def _ollama(chosen: Chosen) -> str:
    settings = [f"OLLAMA_CONTEXT_LENGTH={chosen.context_tokens}", f"OLLAMA_NUM_PARALLEL={chosen.sequences}"]
    if chosen.small_cache:
        settings += ["OLLAMA_FLASH_ATTENTION=1", f"OLLAMA_KV_CACHE_TYPE={chosen.cache}"]
    count = chosen.all_layers if chosen.on_gpu else chosen.gpu_layers
    layers = "" if chosen.parts_apart else f"; PARAMETER num_gpu {count}"
    hub = chosen.hub_file
    source = shlex.quote(f"./{_file(chosen)}" if hub is None else f"hf.co/{hub}")
    return f"{' '.join(settings)} ollama serve; Modelfile: FROM {source}{layers}"


def _lm_studio(chosen: Chosen) -> str:
    parts = [
        f"Context Length {chosen.context_tokens}",
        f"GPU Offload {chosen.gpu_layers if not chosen.on_gpu else chosen.all_layers} layers",
    ]
    if chosen.parts_apart and chosen.experts:
        parts += ["Force Model Expert Weights onto CPU"]
    if chosen.small_cache:
        parts += ["Flash Attention on", f"K and V Cache Quantization Type {chosen.cache.upper()}"]
    return f"{chosen.hub_file or _file(chosen)}: {', '.join(parts)}"


def _mlx(chosen: Chosen) -> str | None:
    if not chosen.mlx or not chosen.on_gpu:
        return None
    bits = next(bits for least, bits in MLX_BITS if chosen.bits >= least)
    return f"mlx_lm.server --model {_word(f'{chosen.files.title}-{bits}bit')}"
