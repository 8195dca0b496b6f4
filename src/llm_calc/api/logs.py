"""Log lines as JSON objects, one a line, on standard error."""

import logging
import sys
from datetime import UTC, datetime

from pydantic_core import to_json


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, and the fields that it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if hasattr(record, "request_id"):
            line["request_id"] = record.request_id
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return to_json(line, inf_nan_mode="null").decode()


def set_up_logging(level: str) -> None:
    """Send all log lines of the service and the server to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
