"""The JSON Schema of the result stream: what each line of ``run --out FILE.jsonl`` may be.

The keys of a ``case`` event are the fields of ``Result``: a field without a shape here is an error when the schema is
made. Other keys may come with newer versions, so readers ignore what they do not know.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from conformance.stream import ALWAYS, SCHEMA_VERSION, Result
from conformance.verdict import OUTCOMES, VERDICTS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
COUNT: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
OCTETS: Schema = {
    "type": "string",
    "pattern": r"^[ -~]*$",
    "description": "Octets as printable ASCII: \\r \\n \\t \\0 \\\\ and \\xHH; of a long one the middle is left out.",
}
LEVEL: Schema = {"enum": ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"]}


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


ENTRY: Schema = {
    "type": "object",
    "description": "One line of a transcript: octets of the client or the server, or an event.",
    "properties": {
        "t": _said(SECONDS, "Seconds since the play began; not there where the stream is published."),
        "session": {"type": "integer", "minimum": 1},
        "from": {"enum": ["C", "S"]},
        "octets": OCTETS,
        "event": _said(TEXT, "connect, shared, tls, close, reset, silence, wait, delivered, timing, probe, error."),
        "detail": TEXT,
        "messages": {"type": "array", "items": OCTETS, "description": "What was found in the mailbox."},
        "phase": _said({"enum": ["start", "finally"]}, "Set-up, or what follows the decision; absent in between."),
        "expected": _said(TEXT, "What was asked of the server here."),
        "met": FLAG,
        "decides": _said(FLAG, "Whether this decided the outcome."),
    },
    "required": ["session"],
    "oneOf": [{"required": ["from", "octets"]}, {"required": ["event"]}],
}

_RESULT: dict[str, Schema] = {
    "id": _said(TEXT, "The id of the case, with its row; it never changes."),
    "title": TEXT,
    "outcome": _said({"enum": list(OUTCOMES)}, "What the dialogue came to."),
    "verdict": _said({"enum": list(VERDICTS)}, "What it means under level, profile and waivers."),
    "reason": TEXT,
    "requirement": TEXTS,
    "broken": _said(TEXTS, "Of a rule for every reply: those of its requirements that were broken, where it can tell."),
    "level": LEVEL,
    "spec": TEXT,
    "severity": {"enum": ["low", "medium", "high", "critical", None]},
    "tags": TEXTS,
    "impact": {"enum": ["session", "mail", "relay", "load", "crash"]},
    "file": _said(TEXT, "The suite file, below the cases folder."),
    "line": COUNT,
    "duration": SECONDS,
    "attempts": _said(COUNT, "How often it was played; 0: not at all."),
    "case_hash": _said(TEXT, "Changes when the case changes."),
    "note": _said(TEXT, "Why a profile or a waiver changed the verdict."),
    "about": _said(TEXT, "Why the test is as it is."),
    "meaning": _said(TEXT, "What a failure means to the owner of the server."),
    "remedy": {"type": "object", "additionalProperties": TEXT, "description": "What to set, by product."},
    "cwe": TEXTS,
    "cve": TEXTS,
    "transcript": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
    "earlier": _said(
        {"type": "array", "items": {"type": "array", "items": {"$ref": "#/$defs/entry"}}},
        "The transcripts of plays before the one that counts.",
    ),
}


def _event(kind: str, properties: dict[str, Schema], required: list[str], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": {"type": {"const": kind}, **properties},
        "required": ["type", *required],
    }


HEADER = _event(
    "header",
    {
        "schema_version": {"const": SCHEMA_VERSION},
        "tool": {"const": "smtp-conformance"},
        "version": TEXT,
        "case_set": _said(TEXT, "A hash of all cases of the product, and of those given."),
        "started": _said({"type": "string", "format": "date-time"}, "Not there where the stream is published."),
        "target": {
            "type": "object",
            "properties": {
                "name": TEXT,
                "host": TEXT,
                "port": {"type": "integer"},
                "role": {"enum": ["mx", "submission", "relay", "lmtp"]},
                "tls": {"enum": ["none", "starttls", "implicit"]},
                "given": _said(TEXTS, "What the tester knows of the target: keys of the target file, without values."),
            },
            "required": ["name"],
        },
        "profile": TEXT,
        "impact": TEXT,
        "selection": TEXT,
        "planned": _said(COUNT, "How many cases are selected."),
        "published": _said(FLAG, "Whether what is not public was taken out."),
        "withheld": _said(COUNT, "Security findings that are counted here and not in the stream."),
    },
    ["schema_version", "tool", "version", "case_set", "target", "profile", "impact", "planned"],
    "The first line.",
)

CASE = _event(
    "case",
    {item.name: _RESULT[item.name] for item in fields(Result)},
    sorted(ALWAYS),
    "A result: a case, or one row of one.",
)

LINT = _event(
    "lint",
    {"id": TEXT, "case": TEXT, "requirement": TEXTS, "level": LEVEL, "detail": TEXT, "octets": OCTETS},
    ["id", "case", "detail"],
    "A reply that broke a rule which holds for every reply.",
)

NOTE = _event("note", {"text": TEXT}, ["text"], "Something that happened in the run.")

FOOTER = _event(
    "footer",
    {
        "counts": {"type": "object", "additionalProperties": COUNT},
        "duration": SECONDS,
        "exit": {"type": "integer", "minimum": 0, "maximum": 6},
        "exit_reason": TEXT,
        "interrupted": FLAG,
    },
    ["counts", "exit", "exit_reason"],
    "The last line; a stream without it was cut off.",
)


def stream() -> Schema:
    """Return the JSON Schema of one line of a result stream."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a result stream of smtp-conformance (JSON Lines)",
        "oneOf": [HEADER, CASE, LINT, NOTE, FOOTER],
        "$defs": {"entry": ENTRY},
    }
