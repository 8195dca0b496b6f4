"""The flat-roofline calculation and the catalogs' lists."""

from collections.abc import Iterable

from rich.console import Console

from llm_calc.adapters.wire.documented_responses import (
    AvailableGpu,
    AvailableModel,
    CalculateResponse,
    FullPerformance,
)
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import NONE, counted, gibibytes, number, percent, seconds, significant

SHOWN_GPUS = 12
PARTS = {"weights": "model", "KV cache": "kv_cache", "activations": "activations"}
NO_GPU = f"{NONE} (only the compute roof is known: name a GPU with --gpu)"


def show_calculation(console: Console, answer: CalculateResponse) -> None:
    """Memory, FLOPs and timing of one model on one kind of GPU."""
    split = answer.parallelism
    heading(console, f"{answer.model_name}, {significant(answer.parameters_billions)} billion parameters")
    _show_memory(console, answer)
    facts(console, _timing(answer.performance), "Speed")
    facts(
        console,
        [
            ("prefill", f"{number(answer.flops.prefill_total)} FLOPs"),
            ("a decode step of one sequence", f"{number(answer.flops.per_token)} FLOPs"),
            (
                "parallelism",
                f"{split.strategy}: {counted(split.num_gpus, 'GPU')}, tensor {split.tp_size}, pipeline {split.pp_size}",
            ),
        ],
        "Work",
    )
    _show_gpus(console, answer.performance)
    notes(console, answer.warnings, answer.assumptions)


def _show_memory(console: Console, answer: CalculateResponse) -> None:
    vram = answer.vram
    rows = [
        (
            name,
            *(
                gibibytes(getattr(vram, f"{part}_{kind}"))
                for kind in ("base", "with_overhead", "per_gpu_with_overhead")
            ),
        )
        for name, part in PARTS.items()
    ]
    total = (vram.total_base, vram.total_with_component_overhead, vram.total_per_gpu_with_component_overhead)
    listing(
        console,
        ("Memory", "bare", "with overheads", "on the fullest GPU"),
        [
            *rows,
            ("together", *map(gibibytes, total)),
            ("with the system's overhead", "", gibibytes(vram.total_system_wide), ""),
        ],
    )


def _timing(found: FullPerformance) -> list[tuple[str, str]]:
    """Decode is left out where no GPU was given: without the memory's bandwidth nobody knows it."""
    if found.bound == "compute_only":
        return [("prefill, at least", seconds(found.prefill_latency)), ("decode", NO_GPU)]
    return [
        ("prefill", seconds(found.prefill_latency)),
        ("a decode step", f"{seconds(found.token_latency)}, bound by {found.bound}"),
        ("decode", f"{number(found.tokens_per_second)} tokens/s"),
        ("memory bandwidth in use", percent(found.bandwidth_utilization)),
    ]


def _show_gpus(console: Console, found: FullPerformance) -> None:
    fastest = sorted(found.throughput_by_gpu.items(), key=lambda each: -each[1])
    rows = [(gpu, number(rate)) for gpu, rate in fastest[:SHOWN_GPUS]]
    if rows:
        listing(console, (f"Fastest of {len(fastest)} GPUs that hold it", "tokens/s"), rows)
    if len(fastest) > len(rows):
        console.print(f"  [dim]{len(fastest) - len(rows)} more; --json has all[/]")


def show_models(console: Console, models: Iterable[AvailableModel]) -> None:
    """Predefined models, a row each."""
    rows = [
        (
            each.name,
            each.family,
            number(each.parameters),
            number(each.active_parameters),
            f"{each.seq_len:,}",
            each.confidence,
            ", ".join(each.hugging_face_ids[:1]),
        )
        for each in models
    ]
    columns = ("Model", " family", "parameters", "active", "context", " architecture", " Hugging Face id")
    listing(console, columns, rows, spare=("Hugging Face id", "architecture", "family"))


def show_gpus(console: Console, gpus: Iterable[AvailableGpu]) -> None:
    """GPUs, a row each."""
    rows = [
        (
            each.id,
            each.vendor,
            f"{significant(each.vram_gb)} GiB",
            f"{number(each.memory_bandwidth_gb_per_s)} GB/s",
            number(each.tflops.get("bf16") or each.tflops.get("fp16")),
            number(each.tflops.get("fp8")),
            NONE if each.tdp_w is None else f"{each.tdp_w:,.0f} W",
        )
        for each in gpus
    ]
    columns = ("GPU", " vendor", "memory", "bandwidth", "16-bit TFLOP/s", "fp8 TFLOP/s", "power")
    listing(console, columns, rows, spare=("power", "vendor"))
