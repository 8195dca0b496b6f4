"""Writes what caches of small random models hold, measured on the classes of an installed transformers.

usage: python tools/cache_table.py [types …]   (in an environment that has torch and transformers; a few minutes)

Each type gets a few random configurations whose model runs on the CPU. A prompt of ``TOKENS`` for ``BATCH`` sequences
is run, once shorter and once longer than the windows, and the elements of every tensor of the cache are summed: those
of keys, values and latents, and those of states.
"""

import json
import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity(50)
torch.set_num_threads(1)
TARGET = Path(__file__).resolve().parents[1] / "tests/golden/caches.json"
TOKENS, BATCH, DRAWS, WANTED = (12, 44), 2, 40, 3
CHOICES: dict[str, tuple[Any, ...]] = {
    "vocab_size": (128,),
    "hidden_size": (64, 96),
    "intermediate_size": (48, 96),
    "num_hidden_layers": (3, 4, 5, 6),
    "num_attention_heads": (4, 8),
    "num_key_value_heads": (1, 2, 4),
    "head_dim": (16, 24),
    "sliding_window": (16, 20),
    "attention_chunk_size": (16,),
    "local_attention": (16, 24),
    "attention_window_size": (16, 24),
    "kv_lora_rank": (16, 24),
    "q_lora_rank": (24, 32),
    "qk_rope_head_dim": (8,),
    "qk_nope_head_dim": (16,),
    "v_head_dim": (16, 24),
    "index_n_heads": (2, 4),
    "index_head_dim": (16, 24),
    "index_topk": (8,),
    "num_experts": (4,),
    "num_local_experts": (4,),
    "n_routed_experts": (4,),
    "num_experts_per_tok": (2,),
    "n_group": (1,),
    "topk_group": (1,),
    "moe_intermediate_size": (32,),
    "shared_expert_intermediate_size": (32,),
    "n_shared_experts": (1,),
    "first_k_dense_replace": (1,),
    "linear_num_key_heads": (2,),
    "linear_num_value_heads": (4,),
    "linear_key_head_dim": (16, 8),
    "linear_value_head_dim": (16, 24),
    "linear_conv_kernel_dim": (3, 4),
    "mamba_n_heads": (8,),
    "mamba_d_head": ("auto",),
    "mamba_num_heads": (8,),
    "mamba_head_dim": (16,),
    "mamba_d_state": (8, 16),
    "mamba_d_conv": (3, 4),
    "mamba_expand": (2,),
    "mamba_n_groups": (1, 2),
    "ssm_state_size": (8, 16),
    "state_size": (8, 16),
    "n_groups": (1, 2),
    "conv_kernel": (3, 4),
    "conv_L_cache": (3, 4),
    "lru_width": (64,),
    "max_position_embeddings": (256,),
    "num_kv_shared_layers": (0, 2),
    "hidden_size_per_layer_input": (16,),
    "vocab_size_per_layer_input": (128,),
    "global_head_dim": (32,),
}
ALSO: dict[str, dict[str, Any]] = {
    "codegen": {"rotary_dim": 8},
    "gpt_neo": {"num_layers": 4, "attention_types": [[["global", "local"], 2]], "window_size": 16},
    "gptj": {"rotary_dim": 8},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv", "full_attention"], "num_hidden_layers": 4},
    "longcat_flash": {"ffn_hidden_size": 96, "expert_ffn_hidden_size": 32, "zero_expert_num": 2},
    "mamba2": {"num_heads": 8, "head_dim": 16, "hidden_size": 64},
    "bamba": {"attn_layer_indices": [1], "num_hidden_layers": 4},
    "granitemoehybrid": {"layer_types": ["mamba", "attention", "mamba"], "num_hidden_layers": 3},
}
"""What single types need to be built, or to hold more than one kind of cache."""
STATES = ("conv", "recurrent", "ssm", "state", "linear_cache")
OPAQUE = (torch.dtype, torch.device, torch.nn.Module)
DEEPEST = 6
LARGEST = 20_000_000
"""Parameters of a model that is still run."""


def draw(kind: str, rng: random.Random) -> dict[str, Any]:
    """A configuration of small sizes: those of the keys above that the class has."""
    cls = CONFIG_MAPPING[kind]
    names = {field.name for field in fields(cls)}
    same = getattr(cls, "attribute_map", {})
    chosen = {
        same.get(key, key): rng.choice(values)
        for key, values in CHOICES.items()
        if same.get(key, key) in names
    }
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return {"model_type": kind, **tokens, **chosen, **ALSO.get(kind, {})}


def tensors(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor of a cache with the names that lead to it."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point() and value.numel() > 1:
            yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from tensors(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors(inner, path, depth + 1)
    elif hasattr(value, "__dict__") and depth < DEEPEST and not isinstance(value, OPAQUE):
        yield from tensors({key: inner for key, inner in vars(value).items() if key != "config"}, path, depth)


def elements(cache: Any, name: str) -> dict[str, int]:
    """Elements of keys, values and latents, and elements of states; a tensor met twice counts once."""
    found = {id(tensor): (path, tensor) for path, tensor in tensors(cache, name)}
    sums = {"kept": 0, "state": 0}
    for path, tensor in found.values():
        is_state = any(word in path for word in STATES) and "key" not in path and "value" not in path
        sums["state" if is_state else "kept"] += tensor.numel()
    return sums


def measured(config: dict[str, Any]) -> dict[str, Any]:
    """The row of one configuration; an error of the class where it cannot be built or run."""
    cls = CONFIG_MAPPING[config["model_type"]]
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(cls.from_dict(dict(config)))
    if sum(weight.numel() for weight in empty.parameters()) > LARGEST:
        raise ValueError("too large to be run")
    model = AutoModelForCausalLM.from_config(cls.from_dict(dict(config))).eval()
    row: dict[str, Any] = {"config": config, "class": type(model).__name__}
    for tokens in TOKENS:
        with torch.no_grad():
            answer = model(input_ids=torch.ones((BATCH, tokens), dtype=torch.long), use_cache=True)
        names = ("cache", "past_key_values", "cache_params", "state", "mems")
        name = next((name for name in names if getattr(answer, name, None) is not None), "")
        if not name:
            raise ValueError("answers with no cache")
        row[str(tokens)] = elements(getattr(answer, name), name)
    return row


def rows_of(kind: str) -> list[dict[str, Any]]:
    """A few rows of a type; fewer where most draws do not run."""
    rng, rows, last = random.Random(kind), [], ""
    for _ in range(DRAWS):
        config = draw(kind, rng)
        torch.manual_seed(0)
        try:
            rows.append(measured(config))
        except Exception as error:  # noqa: BLE001 - classes refuse in their own ways
            last = f"{type(error).__name__}: {error}"[:150]
        if len(rows) == WANTED:
            break
    if len(rows) < WANTED:
        print(f"{kind}: {len(rows)} rows; {last}", file=sys.stderr)
    return rows


def main() -> None:
    """Rows of the types named are measured anew, those of others are kept; without names all are."""
    old = json.loads(TARGET.read_text(encoding="utf-8"))["rows"] if TARGET.exists() else []
    kinds = sys.argv[1:] or sorted({row["config"]["model_type"] for row in old})
    rows = [row for row in old if row["config"]["model_type"] not in kinds]
    rows += [row for kind in kinds for row in rows_of(kind)]
    rows.sort(key=lambda row: str(row["config"]["model_type"]))
    head = {
        "source": f"classes of transformers {transformers.__version__} with torch {torch.__version__}, run on the CPU",
        "batch": BATCH,
        "tokens": list(TOKENS),
    }
    lines = ",\n".join(json.dumps(row) for row in rows)
    TARGET.write_text(json.dumps(head)[:-1] + f',\n"rows": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
