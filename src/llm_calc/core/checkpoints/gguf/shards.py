"""A GGUF file in several parts: their headers as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llm_calc.core.checkpoints.gguf.header import GgufHeader, GgufTensor
from llm_calc.core.checkpoints.gguf.keys import FIELD
from llm_calc.core.errors import InvalidInputError

MAX_SHARDS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """One header for all. ``shards``: of how many parts the file is (0: of one); ``notes``: those that are missing.

    Its tensors are None unless every part was given with its whole list.
    """

    header: GgufHeader
    shards: int = 0
    notes: tuple[str, ...] = ()


def joined(headers: Sequence[GgufHeader]) -> Joined:
    """The headers of a file's parts, in any order.

    Raises:
        InvalidInputError: parts of different files, one twice, no first one, or a file without tensors.
    """
    counts = {_whole(header, "split.count", 0) for header in headers}
    if len(counts) > 1 or (len(headers) > 1 and counts <= {0, 1}):
        raise _refused("the headers are not parts of one file (split.count)")
    count = counts.pop()
    if count <= 1:
        return Joined(header=_with_tensors(headers[0]), notes=_other_total(headers[0]))
    parts = {_whole(header, "split.no", -1): header for header in headers}
    if len(parts) < len(headers) or not all(0 <= number < count for number in parts):
        raise _refused(f"split.no must be another of 0 to {count - 1} in each part")
    if 0 not in parts:
        raise _refused(f"part 1 of {count} holds the keys and is needed; given: {_named(parts, count)}")
    _check_same_file(parts)
    return _complete(parts, count) if len(parts) == count else _partial(parts, count)


def _complete(parts: dict[int, GgufHeader], count: int) -> Joined:
    lists = [parts[number].tensors for number in range(count)]
    if any(tensors is None for tensors in lists):
        said = f"the upload of a part ends before its list of tensors ({count} parts)"
        return Joined(header=replace(parts[0], tensors=None), shards=count, notes=(said,))
    tensors: tuple[GgufTensor, ...] = tuple(tensor for part in lists for tensor in part or ())
    stated = _whole(parts[0], "split.tensors.count", len(tensors))
    if stated != len(tensors) or len({tensor.name for tensor in tensors}) < len(tensors):
        raise _refused(
            f"split.tensors.count is {stated}; the parts list {len(tensors)} tensors, each must be another"
        )
    return Joined(header=_with_tensors(replace(parts[0], tensors=tensors)), shards=count)


def _other_total(header: GgufHeader) -> tuple[str, ...]:
    """A sentence on one whole file that tells another number of tensors, which llama.cpp reads of several parts alone.

    Source: llama.cpp at 0034764, ``src/llama-model-loader.cpp``, the loader's constructor; checked: 2026-11-30, read.
    """
    held = None if header.tensors is None else len(header.tensors)
    stated = header.values.get("split.tensors.count")
    if held is None or stated is None or stated == held:
        return ()
    return (
        f"split.tensors.count says {str(stated)[:40]}; the file lists {held} tensors, which were counted",
    )


def _check_same_file(parts: dict[int, GgufHeader]) -> None:
    """Refuse parts that say something else than the first: they are of two files."""
    first = parts[0].values
    for number, part in sorted(parts.items()):
        for key, value in part.values.items():
            if key != "split.no" and first.get(key, value) != value:
                raise _refused(f"parts of two files: {key} is another in part {number + 1} than in part 1")


def _partial(parts: dict[int, GgufHeader], count: int) -> Joined:
    said = (
        f"this is {_named(parts, count)}: what the others hold is taken from the keys, formats from the kind of file; "
        "give the headers of all for exact sizes"
    )
    return Joined(header=replace(parts[0], tensors=None), shards=count, notes=(said,))


def _named(parts: dict[int, GgufHeader], count: int) -> str:
    numbers = ", ".join(str(number + 1) for number in sorted(parts)[:8])
    return f"shard{'s' if len(parts) > 1 else ''} {numbers} of {count}"


def _with_tensors(header: GgufHeader) -> GgufHeader:
    if header.tensors is not None and not header.tensors:
        raise _refused("the file lists no tensors: it is a vocabulary, or the first part of several")
    return header


def _whole(header: GgufHeader, name: str, default: int) -> int:
    value = header.values.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= MAX_SHARDS * 64:
        raise _refused(f"{name} must be a whole number; it is {str(value)[:40]}")
    return value


def _refused(reason: str) -> InvalidInputError:
    return InvalidInputError(f"{FIELD}: {reason}", field=FIELD)
