"""Fields of a request as a table: name, type, default, meaning."""

import json
from typing import Any

from docutils import nodes
from tables import Cells, table, words

REFERENCE = "$ref"
LONGEST_DEFAULT = 40


def fields_table(schema: Any) -> nodes.table:
    """Return one row a field, required ones first."""
    required = set(schema.get("required", ()))
    named = sorted(schema.get("properties", {}).items(), key=lambda item: item[0] not in required)
    rows = (_cells(name, field, required=name in required) for name, field in named)
    return table(("field", "type", "default", "meaning"), rows)


def parts_of(description: Any) -> list[str]:
    """Return the types that requests refer to, directly or through others, in the order in which they are met."""
    schemas, found = description["components"]["schemas"], []
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for methods in description["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    requests = [name for body in bodies for name in references(body)]
    waiting = list(requests)
    while waiting:
        for name in references(schemas[waiting.pop(0)]):
            if name not in (*found, *requests):
                found.append(name)
                waiting.append(name)
    return found


def references(schema: Any) -> list[str]:
    """Return the types that a schema names, each once."""
    if isinstance(schema, list):
        return list(dict.fromkeys(name for each in schema for name in references(each)))
    if not isinstance(schema, dict):
        return []
    own = [schema[REFERENCE].rpartition("/")[2]] if REFERENCE in schema else []
    inner = [each for key, each in schema.items() if key not in (REFERENCE, "discriminator")]
    return list(dict.fromkeys([*own, *references(inner)]))


def _cells(name: str, field: Any, *, required: bool) -> Cells:
    paragraph = nodes.paragraph()
    paragraph += _type(field)
    literal = nodes.paragraph("", "", nodes.literal(text=name))
    return literal, paragraph, _default(field, required=required), words(field.get("description", ""))


def _default(field: Any, *, required: bool) -> str:
    if required:
        return "required"
    if field.get("default") is None:
        return ""
    text = json.dumps(field["default"], ensure_ascii=False)
    return text if len(text) <= LONGEST_DEFAULT else "its own"


def _type(field: Any) -> list[nodes.Node]:
    """Return the type in words; types of our own are links to their tables."""
    if REFERENCE in field:
        name = field[REFERENCE].rpartition("/")[2]
        return [nodes.reference("", name, internal=True, refid=nodes.make_id(f"part {name}"))]
    several = [each for each in field.get("anyOf", field.get("oneOf", ())) if each.get("type") != "null"]
    if several:
        parts = [_type(each) for each in several]
        return [
            node for index, part in enumerate(parts) for node in ([nodes.Text(", ")] if index else []) + part
        ]
    if "const" in field or "enum" in field:
        return [nodes.Text(" | ".join(json.dumps(each) for each in field.get("enum", [field.get("const")])))]
    if field.get("type") == "array":
        return [nodes.Text("list of "), *_type(field.get("items", {}))]
    return [nodes.Text(field.get("type", "any").replace("integer", "whole number"))]
