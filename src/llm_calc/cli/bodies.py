"""Requests from options, files and standard input."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm_calc.adapters.json_text import decoded_json, without_mark
from llm_calc.adapters.json_twice import SaidTwiceError
from llm_calc.adapters.model_files import MOST_CONFIG_BYTES, holds_model, model_part, model_part_of_bytes
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.token_counts import FIELDS, read_as_vllm, read_tokens
from llm_calc.cli.options import FieldOptions, RequestOptions
from llm_calc.core.engines import ENGINES, USUAL, traits_of
from llm_calc.core.errors import InvalidInputError

STDIN = "-"
DEFAULT_ENGINE = USUAL
"""The engine whose options are given where none is named, as in the service where none is given."""
TEXTS = (".version", ".engine_version")
"""Fields whose texts look like numbers: engine.version=0.11."""
FILE_ENDINGS = (".json", ".gguf")

Body = dict[str, Any]


def body_of(
    options: FieldOptions, paths: Mapping[str, str], *, has_parts: bool = True, start: Body | None = None
) -> Body:
    """The request that options describe: a file's, with the model, the options and the assignments over it.

    ``has_parts``: whether the request is made of parts, which have short forms. ``start``: what stands in place of
    a file.

    Raises:
        InvalidInputError: a file that cannot be read, or an option that has no place in the request.
    """
    if start is not None and options.request:
        raise InvalidInputError("--link, --request: only one of them can be the request")
    body = start or (request_file(options.request) if options.request else {})
    body = expanded(body) if has_parts else body
    if isinstance(options, RequestOptions) and options.model is not None:
        if options.model == options.request == STDIN:
            raise InvalidInputError("MODEL, --request: only one of them can be read from stdin")
        body["model"] = model_argument(options.model)
    for name, path in paths.items():
        value = getattr(options, name, None)
        if value is not None:
            put(body, path, expanded({path: value})[path] if has_parts else value)
    for text in options.assigned or ():
        put(body, *assignment(text, engine_of(body)))
    if isinstance(body.get("engine"), dict):
        body["engine"].setdefault("name", DEFAULT_ENGINE)
    return body


def model_argument(text: str) -> Body:
    """What stands for a model on the command line, as the ``model`` part of a request.

    Raises:
        InvalidInputError: a file that is not there or holds no model.
    """
    if text == STDIN:
        return model_part_of_bytes(read_stdin(MOST_CONFIG_BYTES + 1), "stdin")
    if not text:
        raise InvalidInputError("MODEL: is empty; it takes a name, a file, a folder or -")
    path = Path(text).expanduser()
    is_path = text.lower().endswith(FILE_ENDINGS) or text.startswith((".", "/", "~")) or text.endswith("/")
    return model_part(path) if is_path or holds_model(path) else {"name": text}


def read_stdin(most_bytes: int = -1) -> bytes:
    """Standard input; who is at a terminal is told that it is waited for."""
    if sys.stdin.isatty():
        print("Reading stdin; end with Ctrl-D.", file=sys.stderr)
    return sys.stdin.buffer.read(most_bytes)


def request_file(name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The JSON of a file, or of standard input; an object for whoever expects a request.

    Raises:
        InvalidInputError: it cannot be read, or is no JSON.
    """
    where = "stdin" if name == STDIN else name
    try:
        text = read_stdin() if name == STDIN else Path(name).expanduser().read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{where}: cannot be read: {error.strerror}") from error
    try:
        decoded = decoded_json(without_mark(text))
    except InvalidInputError as error:
        raise InvalidInputError(f"{where}: {error.message.removeprefix('body: ')}") from error
    if not isinstance(decoded, dict):
        raise InvalidInputError(f"{where}: must hold a JSON object")
    return decoded


def engine_of(body: object) -> str:
    """The name of the request's engine, as far as it is said; else of the one that is taken."""
    engine = body.get("engine") if isinstance(body, dict) else None
    name = engine.get("name") if isinstance(engine, dict) else engine
    return name if isinstance(name, str) else DEFAULT_ENGINE


def assignment(text: str, engine: str = DEFAULT_ENGINE) -> tuple[str, object]:
    """``field.path=value``: the value as JSON, else as it stands; ``engine``: whose options it says.

    Raises:
        InvalidInputError: there is no ``=``.
    """
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise InvalidInputError(f"--set {text}: must be FIELD=VALUE, such as workload.input_tokens=4096")
    return path, value_at(path, value, engine)


def value_at(path: str, text: str, engine: str = DEFAULT_ENGINE) -> object:
    """The value of a field; where that counts tokens, 64k and 32,768 are numbers; a release is a text.

    Raises:
        InvalidInputError: a small letter to an engine that tells it from a large one.
    """
    if path.endswith(TEXTS):
        return text
    found = read_tokens(text) if FIELDS.search(path.rpartition(".")[2]) else None
    letter = text.rstrip()[-1:]
    if found is not None and path.startswith("engine.") and letter in ("k", "m") and _tells_letters(engine):
        step, ours = ("1,000", "1,024") if letter == "k" else ("1,000,000", "1,048,576")
        to_vllm = f"{path}: {text} is {read_as_vllm(text)} to vLLM, whose {letter} is {step}"
        msg = f"{to_vllm}; write {letter.upper()} for {ours}, or the number"
        raise InvalidInputError(msg)
    return value_of(text) if found is None else found


def _tells_letters(engine: str) -> bool:
    return engine not in ENGINES or traits_of(engine).options.tells_letters


def value_of(text: str) -> object:
    """JSON where it is some, else the text itself.

    Raises:
        SaidTwiceError: an object says a key twice.
    """
    try:
        value: object = decoded_json(text)
    except SaidTwiceError:
        raise
    except InvalidInputError:
        return text
    return value


def put(body: Body, path: str, value: object) -> None:
    """Set a field of a request by its path; an object goes over an object.

    Raises:
        InvalidInputError: the path leads through something that has no fields.
    """
    *parents, last = path.split(".")
    if parents == ["hardware"] and isinstance(body.get("hardware"), list):
        of_each = f'{path}: hardware is a list of several GPUs; say it of each, such as --gpu "2x rtx-3090,rtx-4090"'
        raise InvalidInputError(of_each)
    for parent in parents:
        # A part that is null or absent begins to exist with its first field.
        body[parent] = {} if body.get(parent) is None else body[parent]
        body = body[parent]
        if not isinstance(body, dict):
            raise InvalidInputError(f"{path}: {parent} has no fields; it is {body!r}")
    old = body.get(last)
    both = isinstance(old, dict) and isinstance(value, dict)
    body[last] = {**old, **value} if both else value  # type: ignore[dict-item]


def with_trace(body: Body, file: str | None) -> Body:
    """The request with the recorded requests of a file, or of standard input.

    Raises:
        InvalidInputError: it cannot be read, or is no text.
    """
    if file is None:
        return body
    where = "stdin" if file == STDIN else file
    try:
        text = (read_stdin() if file == STDIN else Path(file).expanduser().read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"--trace: {where}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"--trace: {where}: is no text in UTF-8") from error
    put(body, "workload.trace", {"text": text})
    return body


def with_calibration(body: Body, file: Path | None) -> Body:
    """The request with the calibration of a file, which may be a whole answer of ``calibrate``."""
    if file is None:
        return body
    content = request_file(str(file))
    return {**body, "calibration": content.get("calibration", content)}


def documented_body(options: RequestOptions, paths: Mapping[str, str]) -> Body:
    """A request to ``/api/calculate``, which names its model in another way.

    Raises:
        InvalidInputError: a GGUF file, which it does not read.
    """
    body = body_of(options, paths, has_parts=False)
    model = body.pop("model", None)
    if model is None:
        return body
    if "name" in model:
        return {**body, "model_name": model["name"]}
    if "hf_config" in model:
        return {**body, "hf_config": model["hf_config"]}
    raise InvalidInputError(
        "model: calculate takes a name or a config.json; use memory or estimate for GGUF files"
    )
