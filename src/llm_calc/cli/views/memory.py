"""A model, and where the memory of a GPU goes."""

from rich.console import Console

from llm_calc.adapters.wire.images import ImagesAnswer
from llm_calc.adapters.wire.inspect import FlopsByComponent, InspectResponse
from llm_calc.adapters.wire.lora import LoraAnswer
from llm_calc.adapters.wire.memory import Change, MemoryPlanAnswer, PerGpu, StageMemory
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import memory, number, percent, seconds

FITS, DOES_NOT_FIT = "[bold blue]✓ fits[/]", "[bold red]✕ does not fit[/]"
PARTS = {
    "weights": "weights_bytes",
    "KV cache": "kv_cache_bytes",
    "activations at their peak": "activation_peak_bytes",
    "CUDA graphs": "cuda_graphs_bytes",
    "framework": "framework_bytes",
}


def show_memory(console: Console, answer: MemoryPlanAnswer) -> None:
    """Whether it fits, where the memory goes, what would change it."""
    heading(
        console,
        f"{answer.weights_format} · {answer.engine.name} {answer.engine.version}",
        FITS if answer.fits else DOES_NOT_FIT,
    )
    facts(console, [("", answer.reason)])
    _show_gpu(console, answer.per_gpu)
    _show_stages(console, answer)
    cache = answer.kv_cache
    facts(
        console,
        [
            ("KV cache holds", f"{answer.kv_cache_tokens:,} tokens in all"),
            (
                "sequences at once",
                f"{number(answer.max_concurrency)} of {answer.max_model_len_tokens:,} tokens",
            ),
            ("longest context", f"{answer.max_context_tokens:,} tokens for a single sequence"),
            ("scheduler allows", f"{answer.scheduler_max_sequences:,} sequences"),
            ("one more token", f"{cache.allocated.bytes_per_token:,.0f} bytes in {cache.format}"),
            _headroom(answer),
            *beside_lines(answer.lora, answer.images),
        ],
        "KV cache and what is beside it" if answer.lora or answer.images else "KV cache",
    )
    rows = [
        (f"{row.context_tokens:,}", f"{row.max_concurrency:,}", *map(_mark, row.fits)) for row in answer.table
    ]
    counts = (str(each) for each in answer.table_concurrency)
    listing(console, ("context", "most at once", *counts), rows, "Which context fits for how many at once")
    show_changes(console, answer)
    notes(console, answer.warnings, answer.assumptions)


def beside_lines(lora: LoraAnswer | None, images: ImagesAnswer | None) -> list[tuple[str, str]]:
    """What adapters and images take, a line each."""
    lines = []
    if lora is not None:
        one = f"{number(lora.adapter_parameters)} parameters, {memory(lora.adapter_bytes)} each"
        held = f"{memory(lora.reserved_bytes)} reserved on a GPU, {memory(lora.host_bytes)} with the host"
        lines.append(("adapters", f"{one}; {held}"))
    if images is not None:
        taken = f"{images.tokens:,} tokens of a prompt, {images.tokens_per_image:,} an image"
        timed = "" if images.encoder_s is None else f", {seconds(images.encoder_s)} of the encoder"
        lines.append(("images", f"{taken}{timed}"))
    return lines


def _show_stages(console: Console, answer: MemoryPlanAnswer) -> None:
    if answer.stages:
        rows = [
            (
                each.gpu,
                *map(memory, (each.memory_bytes, each.weights_bytes, each.kv_cache_bytes)),
                _left(each),
            )
            for each in answer.stages
        ]
        listing(console, ("Each GPU", "memory", "weights", "KV cache", "unallocated"), rows)


def _left(stage: StageMemory) -> str:
    left = stage.unallocated_bytes
    return memory(left) if left >= 0 else f"{memory(-left)} missing"


def _headroom(answer: MemoryPlanAnswer) -> tuple[str, str]:
    """What is left of the cache after what was asked, or how much it is short of."""
    left = answer.headroom_bytes
    name = "missing for what was asked" if left < 0 else "left after what was asked"
    return name, memory(abs(left))


def _mark(fits: bool) -> str:
    return "✓" if fits else "·"


def _show_gpu(console: Console, gpu: PerGpu) -> None:
    rows = [(name, getattr(gpu, field)) for name, field in PARTS.items()]
    left = gpu.unallocated_bytes
    rows.append(("unallocated" if left >= 0 else "beyond all its memory", abs(left)))
    cells = [(name, memory(value), percent(value / gpu.memory_bytes)) for name, value in rows]
    listing(
        console,
        ("Fullest GPU", "size", "of its memory"),
        [*cells, ("all its memory", memory(gpu.memory_bytes), ""), ("usable", memory(gpu.usable_bytes), "")],
    )


def _fields(change: Change) -> str:
    return ", ".join(
        f"{field} = {value}" for field, value in {change.field: change.value, **change.also}.items()
    )


def show_changes(console: Console, answer: MemoryPlanAnswer) -> None:
    """What would make it fit."""
    if answer.changes_that_fit:
        changes = [(_fields(each), each.change) for each in answer.changes_that_fit]
        facts(console, changes, "Changes that make it fit and start")
    if answer.recommended_gpu is not None:
        other = answer.recommended_gpu
        text = f"{other.count} x {other.gpu} ({memory(other.memory_bytes)} each)"
        facts(console, [("smallest GPU that holds the same", text)])


def show_inspected(console: Console, answer: InspectResponse) -> None:
    """Parameters, bytes, cache and FLOPs of a model."""
    model, count = answer.model, answer.parameters
    heading(console, f"{model.name} ({model.model_type})", f"architecture {answer.confidence}")
    facts(
        console,
        [
            ("architecture", answer.architecture),
            ("parameters", f"{count.total:,} ({number(count.total)}); {number(count.active)} meet one token"),
            ("weights", f"{memory(answer.weights_bytes)} in {answer.quantization}"),
            ("bits a weight", number(answer.bits_per_weight)),
            (
                "KV cache a token",
                f"{answer.kv_cache.bytes_per_token:,.0f} bytes in {answer.precision.kv_cache}",
            ),
            *_state(answer),
        ],
    )
    shares = [
        (name, f"{each:,}", percent(each / count.total)) for name, each in count.by_component.items() if each
    ]
    listing(console, ("Component", "parameters", "share"), shares)
    sizes = [(f"{int(tokens):,}", memory(size)) for tokens, size in answer.kv_cache.bytes_at.items()]
    listing(console, ("Context", "cache of one sequence"), sizes)
    _show_flops(console, answer.flops.prefill, answer.flops.decode)
    notes(console, answer.warnings, answer.assumptions)


def _state(answer: InspectResponse) -> list[tuple[str, str]]:
    state = answer.kv_cache.state_bytes_per_sequence
    return [("state of a sequence", memory(state))] if state else []


def _show_flops(console: Console, prefill: FlopsByComponent, decode: FlopsByComponent) -> None:
    names = [name for name in type(prefill).model_fields if getattr(prefill, name) or getattr(decode, name)]
    rows = [
        (name.replace("_", " "), number(getattr(prefill, name)), number(getattr(decode, name)))
        for name in names
    ]
    listing(console, ("FLOPs of", "prefill", "one decode step"), rows)
