"""Writes the table of class defaults from an installed transformers (which the product itself never needs).

usage: python tools/class_defaults.py   (in an environment that has transformers)
"""

import dataclasses
import json
import re
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
)

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
TOWERS = (
    "clip_vision_model",
    "fun_asr_nano_encoder",
    "glmasr_encoder",
    "pixtral",
    "qwen2_audio_encoder",
    "qwen3_asr_encoder",
    "radio",
    "sam_vision_model",
    "siglip2_vision_model",
    "siglip_vision_model",
    "voxtral_encoder",
    "voxtral_realtime_encoder",
)
"""Encoders that wrappers name by their type alone."""
TARGET = ROOT / "src/llm_calc/adapters/key_tables/class_defaults.json"


def row_of(config_class: Any) -> dict[str, Any]:
    """Defaults that may change sizes, other names of keys, nested configurations and what absent ones hold."""
    from llm_calc.adapters.key_tables import key_tables
    from llm_calc.core.architectures.neutral import reason_of

    tables = key_tables()
    fields = dataclasses.fields(config_class)
    keys = {
        f.name: f.default
        for f in fields
        if f.default is not dataclasses.MISSING and not reason_of(tables, f.name)
    }
    for f in fields:
        if f.default_factory is not dataclasses.MISSING and not reason_of(tables, f.name):
            keys[f.name] = f.default_factory()
    same = {a: b for a, b in config_class.attribute_map.items() if not reason_of(tables, a)}
    specs = config_class.sub_configs_defaults
    parts = {key: name_of(spec) for key, spec in specs.items()}
    absent = {key: deepcopy(spec.init_kwargs) for key, spec in specs.items() if spec.init_kwargs}
    optional = [key for key, spec in specs.items() if spec.optional]
    fixed = [key for key, spec in specs.items() if _is_fixed(config_class, key, spec)]
    row = {
        "keys": {k: v for k, v in keys.items() if _is_json(v)},
        "same": same,
        "parts": parts,
        "absent": absent,
        "optional": optional,
        "fixed": fixed,
    }
    return {name: value for name, value in row.items() if value}


def name_of(spec: Any) -> str:
    """The type of a nested configuration; a class that names none goes by its own name."""
    stated = spec.model_type or getattr(spec.config_class, "model_type", "")
    if stated or spec.config_class in (PretrainedConfig, AutoConfig):
        return str(stated)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", spec.config_class.__name__.removesuffix("Config")).lower()


def _is_fixed(config_class: Any, key: str, spec: Any) -> bool:
    """Whether a nested configuration is of one class, whatever type it states; some override the type."""
    if issubclass(spec.config_class, PretrainedConfig):
        return True
    other = "clip_vision_model" if spec.model_type != "clip_vision_model" else "siglip_vision_model"
    try:
        part = getattr(config_class(**{key: {"model_type": other}}), key)
    except Exception:  # noqa: BLE001 - a class refuses in its own way
        return False
    return bool(getattr(part, "model_type", other) == spec.model_type)


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def _class_of(model_type: str, otherwise: Any) -> Any:
    """The mapping is filled when it is asked by index, so ``get`` would not find what nobody asked for."""
    try:
        return CONFIG_MAPPING[model_type]
    except KeyError:
        return otherwise


def all_rows() -> dict[str, Any]:
    """Rows of every generating model type and of the parts that they hold."""
    todo = [
        *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        *MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        *MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
        *MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        *MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
    ]
    classes = {name: CONFIG_MAPPING[name] for name in (*todo, *TOWERS) if name in CONFIG_MAPPING}
    rows: dict[str, Any] = {}
    while classes:
        name, config_class = classes.popitem()
        rows[name] = row_of(config_class)
        for spec in config_class.sub_configs_defaults.values():
            sub_name = name_of(spec)
            sub = _class_of(sub_name, spec.config_class)
            if sub_name and sub_name not in rows:
                classes[sub_name] = sub
    return dict(sorted(rows.items()))


def main() -> None:
    """One line a model type."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in all_rows().items())
    source = json.dumps(f"configuration classes of transformers {transformers.__version__}")
    TARGET.write_text(f'{{"source": {source},\n"types": {{\n{lines}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
