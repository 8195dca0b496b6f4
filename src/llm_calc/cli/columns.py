"""Which figures the lists show, column by column."""

from llm_calc.cli import tables

PLAN_COLUMNS: tuple[tables.Row, ...] = (
    ("GPU", "hardware.gpu", str),
    ("GPUs", "gpus", tables.number),
    ("Weights", "precision.weights", str),
    ("Engine", "engine.name", str),
    ("TTFT", "ttft_s", tables.seconds),
    ("TPOT", "tpot_s", tables.seconds),
    ("Tokens/s", "output_tokens_per_s", tables.number),
    ("$/h", "usd_per_hour", tables.usd),
    ("$/M output", "usd_per_million_output_tokens", tables.usd),
)
RECOMMENDED_COLUMNS: tuple[tables.Row, ...] = (
    ("GPU", "gpu", str),
    ("Name", "name", str),
    ("GPUs", "count", tables.number),
    ("TPOT", "tpot_s", tables.seconds),
    ("$/h", "usd_per_hour", tables.usd),
)
COMPARED_COLUMNS: tuple[tables.Row, ...] = (
    ("Scenario", "label", str),
    ("Fits", "memory.fits", tables.yes_no),
    ("TTFT", "estimate.ttft_s", tables.seconds),
    ("TPOT", "estimate.tpot_s", tables.seconds),
    ("Tokens/s", "estimate.output_tokens_per_s", tables.number),
    ("$/h", "usd_per_hour", tables.usd),
)
FITTED_COLUMNS: tuple[tables.Row, ...] = (
    ("Figure", "figure", str),
    ("Measurements", "measurements", tables.number),
    ("Error before", "before_fraction", tables.percent),
    ("Error after", "after_fraction", tables.percent),
    ("Error, left out", "left_out_fraction", tables.percent),
)
MODEL_COLUMNS: tuple[tables.Row, ...] = (
    ("Name", "name", str),
    ("Family", "family", str),
    ("Parameters", "parameters", tables.number),
    ("Active", "active_parameters", tables.number),
    ("Context", "seq_len", tables.number),
)
GPU_COLUMNS: tuple[tables.Row, ...] = (
    ("Id", "id", str),
    ("Name", "name", str),
    ("GiB", "vram_gb", tables.number),
    ("GB/s", "memory_bandwidth_gb_per_s", tables.number),
    ("bf16 TFLOP/s", "tflops.bf16", tables.number),
    ("fp8 TFLOP/s", "tflops.fp8", tables.number),
)
