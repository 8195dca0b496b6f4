"""Keys of an adapter_config.json (peft): read ones, idle ones, and those that change what is not counted."""

from collections.abc import Iterator, Mapping

READ = frozenset(
    {
        "exclude_modules",
        "layers_pattern",
        "layers_to_transform",
        "modules_to_save",
        "peft_type",
        "r",
        "rank_pattern",
        "target_modules",
        "target_parameters",
        "use_dora",
    }
)
IDLE: Mapping[str, str] = {
    **dict.fromkeys(("lora_alpha", "alpha_pattern", "use_rslora"), "how products are scaled"),
    "lora_dropout": "only in training",
    **dict.fromkeys(("init_lora_weights", "loftq_config", "corda_config", "lora_ga_config"), "first values"),
    **dict.fromkeys(("velora_config", "runtime_config", "inference_mode"), "how peft trains or loads it"),
    **dict.fromkeys(("megatron_core", "qalora_group_size"), "used with another key alone"),
    "fan_in_fan_out": "how a matrix lies in memory",
    **dict.fromkeys(("base_model_name_or_path", "revision", "auto_mapping", "task_type"), "what it is for"),
    "peft_version": "what wrote it",
}
"""Keys that change no number of an adapter, and what they are about; peft 0.21.2 ``tuners/lora/config.py``; checked:
2026-11-30, read."""
COUNTED_OTHERWISE: Mapping[str, object] = {
    "alora_invocation_tokens": None,
    "arrow_config": None,
    "bias": "none",
    "ensure_weight_tying": False,
    "eva_config": None,
    "kasa_config": None,
    "layer_replication": None,
    "lora_bias": False,
    "megatron_config": None,
    "monteclora_config": None,
    "trainable_token_indices": None,
    "use_bdlora": None,
    "use_qalora": False,
}
"""Keys that change what an adapter has or when it runs, and what they say where they do not."""


def key_words(config: Mapping[str, object], prefix: str) -> Iterator[str]:
    """Keys that change what the adapter has and are not counted, and keys that are not known."""
    for key, plain in COUNTED_OTHERWISE.items():
        if config.get(key) not in (plain, None, {}, [], False):
            yield f"{prefix}.{key}: {config[key]!r} changes what the adapter has or when it runs, which is not counted"
    for key in sorted(config.keys() - READ - IDLE.keys() - COUNTED_OTHERWISE.keys()):
        yield f"{prefix}.{key}: is not known and was not read; it may change what the adapter has"
