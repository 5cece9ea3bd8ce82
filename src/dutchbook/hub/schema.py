"""The wire as JSON Schema, and TypeScript types made from that schema; both are committed."""

import re
from typing import Any, Final

import msgspec

from dutchbook.hub import wire
from dutchbook.hub.posting import Posted

_PARTS: Final = {"Said": wire.Said, "Heard": wire.Heard, "Posted": Posted}


def schema() -> dict[str, Any]:
    """Every message by name in `$defs`; `Said`, `Heard`, `Posted`; error and close codes."""
    made, defs = msgspec.json.schema_components(
        list(_PARTS.values()), ref_template="#/$defs/{name}"
    )
    names = dict(zip(_PARTS, made, strict=True))
    frame = {"anyOf": [names["Heard"], {"type": "array", "items": names["Heard"]}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dutchbook /ws",
        "description": f"version {wire.VERSION}; a frame of the server is a Frame",
        "$defs": {
            **defs, **{name: part for name, part in names.items() if "$ref" not in part},
            "Frame": frame,
        },
        "x-channels": list(wire.CHANNELS),
        "x-errors": wire.ERRORS,
        "x-closes": {str(code): why for code, why in wire.CLOSES.items()},
    }  # fmt: skip


def typescript(made: dict[str, Any]) -> str:
    """Types of the schema: an interface for each object, a union for each choice."""
    out = ["// Made from wire.schema.json by `dutchbook hub schema --typescript`.\n"]
    for name, part in made["$defs"].items():
        if part.get("type") == "object":
            out.append(_interface(name, part))
        else:
            out.append(f"export type {name} = {_type(part)};\n")
    codes = " | ".join(f'"{code}"' for code in made["x-errors"])
    out.append(f"export type ErrorCode = {codes};\n")
    closes = ",\n".join(f'  {code}: "{why}"' for code, why in made["x-closes"].items())
    out.append(f"export const CLOSES: Record<number, string> = {{\n{closes},\n}};\n")
    return "\n".join(out)


def _interface(name: str, part: dict[str, Any]) -> str:
    needed = set(part.get("required", ()))
    lines = [f"/** {' '.join(part['description'].split())} */"] if "description" in part else []
    lines.append(f"export interface {name} {{")
    for field, kind in part.get("properties", {}).items():
        mark = "" if field in needed else "?"
        shown = field if re.fullmatch(r"[A-Za-z_]\w*", field) else f'"{field}"'
        lines.append(f"  {shown}{mark}: {_type(kind)};")
    return "\n".join([*lines, "}\n"])


def _type(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "enum" in part:
        return " | ".join(msgspec.json.encode(value).decode() for value in part["enum"])
    if "anyOf" in part:
        return " | ".join(dict.fromkeys(_type(one) for one in part["anyOf"]))
    kind = part.get("type")
    if kind == "array":
        inner = _type(part.get("items", {}))
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    names = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean"}
    return names.get(str(kind), "null" if kind == "null" else "unknown")
