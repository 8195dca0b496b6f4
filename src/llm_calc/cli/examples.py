"""Examples that the help of each command shows; a test runs all that end by themselves."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "inspect": (
        "inspect qwen3-30b-a3b --context 32768",
        "inspect ./config.json --weights q4_k_m --json",
    ),
    "memory": (
        'memory llama-3.1-70b -g "4x l40s" -w fp8 -c 8 -i 2048 -o 512',
        "memory llama-3.1-8b -g l4 --set engine.max_model_len=16384",
        'memory --link "http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&n=1"',
    ),
    "estimate": (
        "estimate llama-3.1-8b -g h100-80gb-sxm -c 16",
        'estimate llama-3.1-70b -g "2x mi300x" -w fp8 --rate 2 -e sglang',
        'estimate --link "http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&n=1"',
    ),
    "calculate": (
        "calculate llama2-7b --gpu a100-80gb --seq-length 2048",
        "calculate llama2-7b --gpu l4 --precision int8 --batch-size 8 --json",
    ),
    "plan": (
        "plan llama-3.1-8b --rate 4 --ttft 1 --tpot 0.05 -g l40s -g mi300x",
        "plan llama-3.1-8b -c 32 --max-gpus 2 -g l40s --objective latency",
    ),
    "recommend": ("recommend llama-3.1-8b --context 8192 --max-gpus 1 -g l4 -g l40s",),
    "fit": (
        "fit qwen3-8b -g rtx-3060-12gb --context 16384",
        "fit gpt-oss-120b -g rtx-4090 --context 8192",
    ),
    "models-for": ("models-for -g l4 --context 4096 --max-models 3",),
    "compare": (
        'compare llama-3.1-8b -g h100-80gb-sxm -g "2x l40s" -c 16',
        'compare --link "http://127.0.0.1:8000/?v=1&g=mi300x&b.w=bf16"',
    ),
    "sweep": (
        "sweep llama-3.1-8b -g l4 --grid workload.concurrency=1:64:7:log",
        "sweep llama-3.1-8b -g l4 --grid workload.batch=1:64 --out rows.csv",
    ),
    "calibrate": (
        "calibrate measurements.json --save own.json",
        "estimate llama-3.1-8b -g h100-80gb-sxm --calibration own.json",
    ),
    "models": ("models llama-3",),
    "gpus": ("gpus h200", "gpus amd"),
    "engines": ("engines sglang", "engines vllm --json"),
    "formats": ("formats fp4",),
    "prices": ("prices h100",),
    "links": ("links nvlink",),
    "serve": ("serve", "serve --host 0.0.0.0 --port 8080"),
    "mcp": ("mcp",),
}
