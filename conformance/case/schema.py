"""The JSON Schemas of suite files and target files, for editors and other tools.

The keys come from the tables of the strict loaders: a key without a shape here is an error when the schema is made, so
the two can't drift apart. The loaders check more than a schema can say (patterns, templates, requirement ids).

Editors read ``250`` and ``4.10`` as numbers, ``no`` perhaps as a truth value: where a text is wanted these are allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conformance import target
from conformance.case import dialogue, load, model
from conformance.case.pattern import CERTIFICATE_FACTS
from conformance.report.stream_schema import stream
from conformance.smtp.sasl import MECHANISMS

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"

TEXT: Schema = {"type": ["string", "number"]}
TEXTS: Schema = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
DURATION: Schema = {
    "type": ["string", "number"],
    "pattern": r"^[0-9]+(\.[0-9]+)?\s*(ms|s|m|h)?$",
    "description": "A duration: 2s, 200ms, 5m; a bare number is seconds.",
}
FLAG: Schema = {"type": "boolean"}
VERDICT: Schema = {
    "type": "string",
    "pattern": f"^({'|'.join(model.VERDICT_WORDS)})( - .*)?$",
    "description": "verdict - reason. go: the dialogue goes on.",
}
REGEX: Schema = {"type": "string", "pattern": "^/[\\s\\S]*/$", "description": "A regular expression between slashes."}


def whole(minimum: int, maximum: int | None = None) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", "minimum": minimum} | ({"maximum": maximum} if maximum is not None else {})


def one_of(values: Iterable[str]) -> Schema:
    """Return the schema of a word out of several."""
    return {"enum": list(values)}


def some_of(values: Iterable[str]) -> Schema:
    """Return the schema of one or several words out of several."""
    word = one_of(values)
    return {"anyOf": [word, {"type": "array", "items": word}]}


def ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def described(schema: Schema, description: str) -> Schema:
    """Return a schema with words for whoever hovers over the key."""
    return {**schema, "description": description}


def mapping(keys: Iterable[str], shapes: Mapping[str, Schema], required: Iterable[str] = (), **more: Any) -> Schema:
    """Return the schema of a mapping with exactly these keys. Raises KeyError for a key without a shape."""
    schema: Schema = {"type": "object", "properties": {key: shapes[key] for key in keys}, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {}) | more


# ---------------------------------------------------------------------- suite files

OCTETS: Schema = ref("octets")
NUMBER: Schema = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\$"}]}

SEND: dict[str, Schema] = {
    "raw": described(OCTETS, "Exactly these octets: no CRLF is added."),
    "hex": described(TEXT, "Octets as pairs of hexadecimal digits."),
    "base64": described(OCTETS, "These octets, encoded."),
    "fill": described(OCTETS, "These octets, so many times."),
    "times": described(NUMBER, "How many times: a number or a $variable."),
    "octets": described(NUMBER, "Until there are so many octets: a number or a $variable."),
    "minus": described(OCTETS, "Octets whose length is taken off times or octets."),
    "bdat": described(OCTETS, "These octets behind the BDAT command that announces them."),
    "last": described(FLAG, "Whether this is the last chunk (BDAT ... LAST)."),
    "sasl": described(one_of(MECHANISMS), "What a client of this mechanism says, in base64."),
    "challenge": described(OCTETS, "The challenge that it answers, in base64; without it the client speaks first."),
    "user": described(OCTETS, "The user name (default $user)."),
    "password": described(OCTETS, "The password (default $password)."),
    "nonce": described(OCTETS, "The nonce of a SCRAM client (default $token)."),
    "message": described(OCTETS, "A whole message: $header, a blank line, this text (dot-stuffed), the final dot."),
    "segments": {"type": "array", "items": OCTETS, "description": "Each in a TCP segment of its own."},
    "chop": described(NUMBER, "So many octets at a time."),
    "every": described(DURATION, "The pause between segments."),
    "line": described(OCTETS, "These octets and CRLF."),
}

NEEDS: dict[str, Schema] = {
    "ehlo": described(TEXTS, "Keywords that must be offered; else n/a."),
    "target": described(some_of(load.TARGET_NEEDS), "What the target file must name; else untested."),
    "role": described(some_of((*model.ROLES, "any")), "The roles that the case is for; else n/a."),
    "greeting": described(whole(500), "The code with which the server refuses every session; else n/a."),
    "clear_text": described(FLAG, "Whether the session has to begin in clear text; else n/a."),
    "loopback": described(
        FLAG, "Whether the target has to be on this machine, where nobody reads a password; else n/a."
    ),
}

DELIVERED: dict[str, Schema] = {
    "to": described(OCTETS, "Whose mailbox is read (default: $recipient)."),
    "count": described(
        {"anyOf": [whole(0), {"type": "string", "pattern": r"^[0-9]+\.\.[0-9]+$"}]},
        "How many messages there must be (default 1), or a range: 0..1.",
    ),
    "within": DURATION,
    "body": described(OCTETS, "The body, octet for octet (line ends compare as CRLF)."),
    "contains": described(OCTETS, "What the message must contain."),
    "lacks": described(OCTETS, "What the message must not contain."),
    "header": {
        "type": "object",
        "additionalProperties": TEXT,
        "description": "Header fields: present, absent, /regular expression/, or the exact value.",
    },
    "matches": {"anyOf": [REGEX, {"type": "array", "items": REGEX}]},
    "trace": described(
        {"anyOf": [REGEX, {"type": "array", "items": REGEX}]},
        "What the fields above $header must match, unfolded: what was put on top of the message.",
    ),
    "dated": described(DURATION, "How far the dates of the Received fields among them may be from now."),
    "crlf": described(FLAG, "Whether no <CR> and no <LF> may stand outside of <CRLF>; only a sink can tell."),
    "sender": described(OCTETS, "The reverse-path."),
    "recipient": described(OCTETS, "The forward-path as the next hop gets it, octet for octet (needs a sink)."),
    "parameters": described(
        {"anyOf": [REGEX, {"type": "array", "items": REGEX}]},
        "What MAIL and RCPT with their parameters must match, as the next hop gets them, in two lines (needs a sink).",
    ),
    "commands": described(
        {"anyOf": [REGEX, {"type": "array", "items": REGEX}]},
        "What the lines must match that the next hop gets before the message, from EHLO on (needs a sink).",
    ),
    "met": described(VERDICT, "The verdict where it is so (default: the dialogue goes on)."),
    "otherwise": described(VERDICT, "The verdict where it is not so (default: that of the level)."),
}

VERSION: Schema = {"anyOf": [one_of(dialogue.TLS_VERSIONS), {"type": "string", "pattern": r"^\$"}]}

TLS: dict[str, Schema] = {
    "min": VERSION,
    "max": VERSION,
    "verify": described(FLAG, "Whether the certificate must be trusted."),
    "established": VERDICT,
    "failed": VERDICT,
}

REPEAT: dict[str, Schema] = {
    "times": whole(1, dialogue.MAX_REPEAT),
    "each": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "description": "{name: [values]}: the steps for each value, in the same session.",
        "additionalProperties": {"type": "array", "minItems": 1, "items": OCTETS},
    },
    "steps": ref("dialogue"),
}

COMPARE: dict[str, Schema] = {
    "between": {
        "type": "object",
        "minProperties": 2,
        "maxProperties": 2,
        "description": "{name: [steps], name: [steps]}: the two exchanges, timed from first command to last reply.",
        "additionalProperties": ref("dialogue"),
    },
    "samples": described(whole(1, dialogue.MAX_SAMPLES), "How many of each, in an order drawn at random."),
    "error": described(TEXT, "In what share of runs, at most, a difference may be found where there is none: 0.001."),
    "least": described(DURATION, "Smaller differences of the medians are none."),
    "renew": described(whole(1), "After how many samples the session is left for a new one."),
    "differ": VERDICT,
    "alike": VERDICT,
}

_STEPS: dict[str, Schema] = {
    "C": described(ref("send"), "What the client sends; a text gets CRLF."),
    "S": described(
        ref("expect"),
        "What the server answers: a text is a premise, or names one of the file's answers; a mapping judges.",
    ),
    "tls": described(ref("tls"), "A TLS handshake."),
    "certificate": described(
        mapping((*CERTIFICATE_FACTS, "any"), dict.fromkeys((*CERTIFICATE_FACTS, "any"), VERDICT), ("any",)),
        "What is wrong with the certificate that the server showed; the first that holds decides.",
    ),
    "wait": described(DURATION, "A pause."),
    "hangup": described(one_of(("close", "reset")), "The client ends the connection."),
    "delivered": ref("delivered"),
    "repeat": mapping(
        dialogue.REPEAT_KEYS, REPEAT, ("steps",), oneOf=[{"required": ["times"]}, {"required": ["each"]}]
    ),
    "crowd": described(whole(0, dialogue.MAX_CROWD), "So many sessions more, all at once; with 0 they hang up."),
    "compare": described(
        mapping(dialogue.COMPARE_KEYS, COMPARE, ("between", "samples", "error", "least", *model.COMPARISONS)),
        "Whether two exchanges take the same time.",
    ),
}
STEPS: dict[str, Schema] = {key: _STEPS[key.rstrip("23456789")] for key in dialogue.STEP_KEYS}

CASE: dict[str, Schema] = {
    "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "description": "Never changes once released."},
    "title": described(TEXT, "What holds, as a fact."),
    "requirement": described(TEXTS, "Ids of the registry, as in RFC5321-4.5.2-01; the first gives the level."),
    "spec": described(TEXT, "The section, where it is not the file's."),
    "note": described(TEXT, "Why the test is as it is."),
    "needs": ref("needs"),
    "start": described(one_of(model.START_LADDER), "The state in which the dialogue begins (default ehlo)."),
    "start2": described(one_of(model.START_LADDER), "The same for the second session."),
    "impact": described(one_of(model.IMPACTS), "What playing it does to the target (default session)."),
    "each": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "description": 'A table: {"column, column": {row: [value, value]}}.',
        "additionalProperties": {"type": "object", "minProperties": 1},
    },
    "control": {
        "description": "The row that must pass, or the whole table is inconclusive.",
        "anyOf": [
            {"type": "string"},
            mapping(("with", "S"), {"with": {"type": "object"}, "S": TEXT}, ("with", "S")),
        ],
    },
    "after": described(TEXTS, "Cases that must have passed."),
    "dialogue": ref("dialogue"),
    "finally": described(ref("dialogue"), "Steps that are played whatever happened."),
    "tags": TEXTS,
    "severity": one_of(model.SEVERITIES),
    "meaning": described(TEXT, "What a failure means to the owner of the server, in two sentences."),
    "cwe": TEXTS,
    "cve": TEXTS,
    "remedy": {
        "anyOf": [{"type": "object", "additionalProperties": TEXT}, {"type": "string"}],
        "description": "What to set, by product; or the name of one of the file's remedies.",
    },
    "timeout": described(DURATION, "How long a reply may take."),
    "session": described(one_of(("own", "shared")), "Whether other cases may be played in the same session."),
}

SUITE_SHAPES: dict[str, Schema] = {
    "title": described(TEXT, "What the file is about."),
    "spec": described(TEXT, "The section, as in RFC 5321 section 4.5.2."),
    "note": TEXT,
    "tags": TEXTS,
    "remedies": {
        "type": "object",
        "description": "Remedies by name: what to set, by product.",
        "additionalProperties": {"type": "object", "additionalProperties": TEXT},
    },
    "answers": {
        "type": "object",
        "description": "Judgements by name, for S: in several dialogues.",
        "additionalProperties": ref("judgement"),
    },
    "defaults": mapping(load.DEFAULT_KEYS, CASE, description="Values for every case of the file."),
    "cases": {"type": "array", "minItems": 1, "items": ref("case")},
}


def suite() -> Schema:
    """Return the JSON Schema of suite files."""
    send = mapping(dialogue.SEND_KEYS, SEND)
    octets = mapping((*dialogue.OCTET_KEYS, "message"), SEND)
    return {
        "$schema": DRAFT,
        "title": "A suite file of smtp-conformance",
        **mapping(load.SUITE_KEYS, SUITE_SHAPES, ("title", "spec", "cases")),
        "$defs": {
            "case": mapping(load.CASE_KEYS, CASE, ("id", "title", "dialogue")),
            "needs": mapping(load.NEEDS_KEYS, NEEDS),
            "dialogue": {"type": "array", "items": ref("step")},
            "step": mapping(dialogue.STEP_KEYS, STEPS, minProperties=1, maxProperties=1),
            "octets": {"anyOf": [TEXT, {"type": "array", "items": ref("octets")}, octets]},
            "send": {"anyOf": [TEXT, {"type": "array", "items": ref("octets")}, send]},
            "expect": {
                "anyOf": [TEXT, ref("judgement"), {"type": "array", "items": {"anyOf": [TEXT, ref("judgement")]}}]
            },
            "judgement": {"type": "object", "minProperties": 1, "additionalProperties": VERDICT},
            "tls": {"anyOf": [{"type": "null"}, mapping(dialogue.TLS_KEYS, TLS)]},
            "delivered": {"anyOf": [{"type": "null"}, mapping(dialogue.DELIVERED_KEYS, DELIVERED)]},
        },
    }


# ---------------------------------------------------------------------- target files

ADDRESS: Schema = {"type": "string", "pattern": r"^[^\s<>@]+@[^\s<>@]+$"}

TARGET_SHAPES: dict[str, Schema] = {
    "host": described(TEXT, "Name or address of the server."),
    "port": whole(1, 65535),
    "unix": described(TEXT, "The path of a Unix socket, instead of host and port."),
    "name": described(TEXT, "What reports call it."),
    "role": one_of(target.ROLES),
    "tls": one_of(target.TLS_MODES),
    "source": described(
        TEXTS, "Local address to connect from, or several: loopback is often trusted, which hides faults."
    ),
    "client": described(TEXT, "Our EHLO name."),
    "sender": described(ADDRESS, "Our reverse-path."),
    "recipient": described(ADDRESS, "An address that is accepted; messages go to it."),
    "recipient2": described(ADDRESS, "A second address that is accepted."),
    "unknown": described(ADDRESS, "An address in a local domain that does not exist."),
    "foreign": described(ADDRESS, "An address elsewhere that must not be relayed to."),
    "alias": described(ADDRESS, "An alias of recipient and recipient2."),
    "list": described(ADDRESS, "A mailing list of recipient and recipient2, to which anybody may write."),
    "credentials": mapping(("user", "password_env"), {"user": TEXT, "password_env": TEXT}, ("user", "password_env")),
    "observer": mapping(
        target.OBSERVERS,
        dict.fromkeys(target.OBSERVERS, TEXT),
        minProperties=1,
        maxProperties=2,
        description="How mail is read back: a mailbox ({local}, {domain}, {address} are filled in), a sink, or both.",
    ),
    "client_welcome": described(FLAG, "Whether the server has agreed to talk to this client."),
    "jobs": described(whole(1), "Sessions at once."),
    "timeout": described(DURATION, "How long a reply may take."),
    "waivers": {
        "type": "array",
        "description": "Deviations that the owner accepts.",
        "items": mapping(
            ("requirement", "case", "reason", "expires"),
            {
                "requirement": described(TEXT, "Requirement ids (globs)."),
                "case": described(TEXT, "Case ids (globs)."),
                "reason": TEXT,
                "expires": {"type": "string", "format": "date"},
            },
            ("reason",),
            oneOf=[{"required": ["requirement"]}, {"required": ["case"]}],
        ),
    },
}


def target_file() -> Schema:
    """Return the JSON Schema of target files."""
    return {
        "$schema": DRAFT,
        "title": "A target file of smtp-conformance",
        **mapping(target.FILE_KEYS, TARGET_SHAPES),
        "anyOf": [{"required": ["host"]}, {"required": ["unix"]}],
    }


SCHEMAS: dict[str, Schema] = {"suite": suite(), "target": target_file(), "stream": stream()}
"""The schemas by what they describe."""
