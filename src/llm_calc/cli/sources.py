"""What commands read: models by name, file, folder or standard input; requests as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

STDIN = "-"
CONFIG_FILE = "config.json"


class UnreadableError(Exception):
    """A file that cannot be read or holds no JSON."""


def read_json(source: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The JSON of a file, or of standard input for ``-``.

    Raises:
        UnreadableError: it cannot be read, or is no JSON; says which file.
    """
    name = "standard input" if source == STDIN else source
    try:
        text = sys.stdin.read() if source == STDIN else Path(source).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}") from error
    except ValueError as error:
        raise UnreadableError(f"{name}: not JSON ({error})") from error


def read_model(source: str) -> str | dict[str, Any]:
    """A model: ``-``, a ``config.json``, a folder that holds one, else the name of a catalog model.

    Raises:
        UnreadableError: the file is missing, or holds no object.
    """
    path = Path(source)
    if source != STDIN and path.is_dir():
        source = str(path / CONFIG_FILE)
    elif source != STDIN and not path.is_file() and path.suffix != ".json":
        return source
    config = read_json(source)
    if not isinstance(config, dict):
        raise UnreadableError(f"{source}: a config.json is an object")
    return config
