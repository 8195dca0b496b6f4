"""Models that lie in files: a config.json, a folder that holds one, or a GGUF file."""

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llm_calc.adapters.json_text import without_mark
from llm_calc.adapters.json_twice import json_once
from llm_calc.adapters.wire.parts import MODEL_SOURCES
from llm_calc.core.checkpoints.files import FILES
from llm_calc.core.errors import InvalidInputError

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
GGUF_MAGIC = b"GGUF"
PART = re.compile(r"(?P<name>.+)-\d{5}-of-(?P<count>\d{5})\.safetensors")
OTHER_WEIGHTS = ("openvino_*model.bin", "*.onnx*", "pytorch_model*.bin")
"""Weights of OpenVINO, ONNX (with the data beside it) and PyTorch."""
SHARD = re.compile(r"(?P<name>.+)-\d{5}-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
"""How tools name the parts of one file."""
GGUF_HEAD_BYTES = 2**24
"""Enough for the list of tensors behind a large vocabulary; a file's head may be cut anywhere.

A shorter head goes to a service, which judges it itself [bytes].
"""

OTHER_FOLDERS = {
    "adapter_config.json": "adapter_config.json is that of an adapter, which goes with a model: name that model",
    "params.json": "params.json is Mistral's own; the config.json of the same model is needed",
}
"""Files that tell what a folder without a config.json is."""

MOST_CONFIG_BYTES = 2**26
"""A config.json beyond this is none: the longest published ones have a few hundred KiB [bytes]."""

Part = dict[str, Any]


def model_part(path: Path, gguf_head_bytes: int = GGUF_HEAD_BYTES) -> Part:
    """The ``model`` part of a request for a file or folder.

    Raises:
        InvalidInputError: there is no such file, or it holds no model that can be read.
    """
    try:
        if path.is_dir():
            return _folder_part(path, gguf_head_bytes)
        with path.open("rb") as file:
            if file.read(len(GGUF_MAGIC)) == GGUF_MAGIC:
                parts = shards_of(path)
                heads = [_head(each, gguf_head_bytes) for each in parts]
                return _gguf_part(heads, str(path), judged=gguf_head_bytes >= GGUF_HEAD_BYTES)
            file.seek(0)
            return model_part_of_bytes(file.read(MOST_CONFIG_BYTES + 1), str(path))
    except OSError as error:
        raise InvalidInputError(f"model: cannot read {path}: {error.strerror}", field="model") from error


def model_part_of_bytes(data: bytes, where: str) -> Part:
    """The ``model`` part of a request for the content of a file; ``where`` is what messages call it.

    Raises:
        InvalidInputError: it is neither GGUF nor a JSON object, or cannot be read.
    """
    if data.startswith(GGUF_MAGIC):
        return _gguf_part([data[:GGUF_HEAD_BYTES]], where)
    return described(_json_object(data, where))


def described(content: Mapping[str, Any]) -> Part:
    """A mapping as a ``model`` part: one already if it names a source, else a whole config.json."""
    if any(name in content for name in MODEL_SOURCES) and "model_type" not in content:
        return dict(content)
    return {"hf_config": dict(content)}


def holds_model(path: Path) -> bool:
    """Whether a path is a file, or a folder with a model in it."""
    return path.is_file() or (path / CONFIG).is_file() or any(_gguf_files(path))


def _gguf_files(folder: Path) -> Iterator[Path]:
    """The GGUF files of a folder, by their ending in any case."""
    return (file for file in folder.glob("*.*") if file.suffix.lower() == ".gguf")


def shards_of(path: Path) -> list[Path]:
    """A file and, where its name says that it is one of several parts, all of them that lie beside it."""
    named = SHARD.fullmatch(path.name)
    if named is None:
        return [path]
    return sorted(each for each in _gguf_files(path.parent) if _set_of(each) == _set_of(path))


def _set_of(path: Path) -> tuple[str, ...]:
    """What the parts of one file have in common in their names."""
    named = SHARD.fullmatch(path.name)
    return (path.name,) if named is None else named.group("name", "count")


def _whole_files(folder: Path) -> list[Path]:
    """The GGUF files of a folder; of one in several parts the first that is there."""
    firsts: dict[tuple[str, ...], Path] = {}
    for file in sorted(_gguf_files(folder)):
        firsts.setdefault(_set_of(file), file)
    return list(firsts.values())


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


ADAPTER = "adapter_config.json"


def _folder_part(folder: Path, gguf_head_bytes: int) -> Part:
    if (folder / CONFIG).is_file():
        return {**model_part(folder / CONFIG), **_beside(folder)}
    files = _whole_files(folder)
    if not files:
        other = next(
            (f" ({means})" for name, means in OTHER_FOLDERS.items() if (folder / name).is_file()), ""
        )
        raise InvalidInputError(
            f"model: {folder} holds neither {CONFIG} nor a GGUF file{other}", field="model"
        )
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:5])
        raise InvalidInputError(
            f"model: {folder} holds {len(files)} GGUF files ({names}); name one", field="model"
        )
    return model_part(files[0], gguf_head_bytes)


def _beside(folder: Path) -> Part:
    """What stands beside a config.json: files of quantizers, and the bytes of the weights."""
    part: Part = {}
    said = {
        name: _json_object((folder / name).read_bytes(), name) for name in FILES if (folder / name).is_file()
    }
    if said:
        part["quantization_files"] = said
    sizes = _sizes(folder)
    if (folder / ADAPTER).is_file():
        sizes["adapter"] = ADAPTER
    gguf = sorted(file.name for file in _whole_files(folder))
    if gguf:
        sizes["gguf_files"] = gguf
    return {**part, "safetensors_index": sizes} if sizes else part


def _weights_bytes(folder: Path) -> int:
    """Bytes of a folder's safetensors files without headers, or of what other runtimes hold; 0 without [bytes]."""
    files = _tensor_files(folder)
    if files:
        return sum(_tensor_bytes(file) for file in files)
    found = (sorted(folder.glob(pattern)) for pattern in OTHER_WEIGHTS)
    return sum(file.stat().st_size for file in next((each for each in found if each), []))


def _tensor_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder's model; those of adapters are not of it."""
    named = sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("*.safetensors"))
    return [file for file in named if not file.name.startswith("adapter_")]


def _tensor_bytes(file: Path) -> int:
    """A safetensors file without its header, whose length stands in the first eight bytes [bytes].

    Source: the safetensors format, https://docs.rs/crate/safetensors; checked: 2026-11-30, read.
    """
    with file.open("rb") as opened:
        header_bytes = int.from_bytes(opened.read(8), "little")
    return max(0, file.stat().st_size - 8 - header_bytes)


def _sizes(folder: Path) -> Part:
    """What a folder says of sizes: its index, else its files; the list of tensors is long and not needed."""
    index, size_bytes = folder / INDEX, _weights_bytes(folder)
    said = _json_object(index.read_bytes(), str(index)) if index.is_file() else {}
    metadata, names = said.get("metadata"), _named_files(said.get("weight_map"), folder)
    missing = [name for name in names if not (folder / name).is_file()]
    if not isinstance(metadata, dict) or metadata.get("total_size") is None:
        if not size_bytes or missing:
            return {"missing_files": missing} if missing else {}
        metadata = {**(metadata if isinstance(metadata, dict) else {}), "total_size": size_bytes}
    held = {} if missing else _held(folder, names)
    return {"metadata": metadata, **held, **({"missing_files": missing} if missing else {})}


def _held(folder: Path, names: list[str]) -> Part:
    """The bytes that the files of an index hold."""
    size_bytes = sum(_tensor_bytes(folder / name) for name in names if name.endswith(".safetensors"))
    return {"files_bytes": size_bytes} if size_bytes else {}


def _named_files(weight_map: object, folder: Path) -> list[str]:
    """The files that an index names, or that the names of the parts count; none where the folder has no weights."""
    files = [file.name for file in _tensor_files(folder)]
    if not files:
        return []
    if isinstance(weight_map, dict):
        return sorted({str(name) for name in weight_map.values()})
    parts = [found for name in files if (found := PART.fullmatch(name))]
    if not parts:
        return []
    name, count = parts[0].group("name", "count")
    return [f"{name}-{number:05}-of-{count}.safetensors" for number in range(1, min(int(count), 9999) + 1)]


def _json_object(data: bytes, where: str) -> Part:
    """A JSON object; published ones may hold NaN and infinities."""
    what = f"model: {where} must be a config.json or a GGUF file"
    if not data.strip():
        raise InvalidInputError(f"{what}; it is empty", field="model")
    if len(data) > MOST_CONFIG_BYTES:
        raise InvalidInputError(
            f"{what}; it is no GGUF file and too long for the other: more than {MOST_CONFIG_BYTES >> 20} MiB",
            field="model",
        )
    try:
        decoded = json_once(without_mark(data), where=f"model: {where}")
    except ValueError as error:
        raise InvalidInputError(f"{what}; it is no JSON ({error})", field="model") from error
    if not isinstance(decoded, dict):
        raise InvalidInputError(f"model: {where} must hold a JSON object", field="model")
    return decoded


def _gguf_part(heads: list[bytes], where: str, *, judged: bool = True) -> Part:
    """The heads of a GGUF file's parts; one that cannot be read is refused by the file's name if ``judged`` here."""
    texts = [base64.b64encode(head).decode("ascii") for head in heads]
    if judged:
        from llm_calc.adapters.gguf_header import read_gguf_base64
        from llm_calc.core.checkpoints.gguf.keys import FIELD

        try:
            read_gguf_base64(*texts)
        except InvalidInputError as error:
            reason = error.message.removeprefix(f"{FIELD}: ")
            raise InvalidInputError(f"model: {where}: {reason}", field="model") from error
    return {"gguf_base64": texts[0] if len(texts) == 1 else texts}
