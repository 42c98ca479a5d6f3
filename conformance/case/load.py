"""Suite files: YAML to cases, strictly. Every mistake is a ``SourceError`` that says where, what, and what is right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.case import model
from conformance.case.answers import named_answers, spelled_out
from conformance.case.dialogue import Context, dialogue, octets, pattern_columns
from conformance.case.model import Case, Needs
from conformance.case.octets import Octets
from conformance.case.yaml import Node, SourceError, load, load_file, suggest

SUITE_KEYS = ("title", "spec", "note", "tags", "remedies", "answers", "defaults", "cases")
DEFAULT_KEYS = (
    "start",
    "start2",
    "impact",
    "needs",
    "tags",
    "timeout",
    "session",
    "severity",
    "requirement",
    "after",
    "meaning",
    "cwe",
    "cve",
    "remedy",
)
CASE_KEYS = (
    "id",
    "title",
    "requirement",
    "spec",
    "note",
    "needs",
    "start",
    "start2",
    "impact",
    "each",
    "control",
    "after",
    "dialogue",
    "finally",
    "tags",
    "severity",
    "meaning",
    "cwe",
    "cve",
    "remedy",
    "timeout",
    "session",
)
NEEDS_KEYS = ("ehlo", "target", "role", "clear_text", "loopback", "greeting")
TARGET_NEEDS = (*model.TARGET_VARIABLES, "credentials", "observer", "sink", "client_welcome")
ROW_COLUMNS = ("requirement", "title", "impact", "severity", "start", "needs")
"""Columns of a table that say something of the row, not of the dialogue."""

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_ROW = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")
_CASE_REFERENCE = re.compile(r"[a-z0-9.]+(?:[-/][a-z0-9.]+)*\Z")


@dataclass(frozen=True)
class Suite:
    """A suite file: the cases about one section of one document."""

    title: str
    spec: str
    file: str
    cases: tuple[Case, ...]


def load_suite(path: Path, name: str) -> Suite:
    """Return the suite in a file; ``name`` is its path below the cases folder. Raises SourceError."""
    documents = load_file(path, name)
    return _suite(documents, name)


def load_text(text: str, name: str = "suite.yaml") -> Suite:
    """Return the suite in a text. Raises SourceError."""
    return _suite(list(load(text, name)), name)


def _suite(documents: list[Node], name: str) -> Suite:
    if len(documents) != 1:
        raise SourceError(
            name, 1, 1, "a suite file is one YAML document" + ("" if documents else ", not an empty file")
        )
    top = documents[0].mapping("a suite file", SUITE_KEYS)
    for key in ("title", "spec", "cases"):
        if key not in top:
            documents[0].fail(f"the suite file has no {key!r}")
    defaults = top["defaults"].mapping("defaults", DEFAULT_KEYS) if "defaults" in top else {}
    remedies = top["remedies"].mapping("remedies") if "remedies" in top else {}
    answers = named_answers(top["answers"]) if "answers" in top else {}
    tags = top["tags"].strings("tags") if "tags" in top else ()
    cases: list[Case] = []
    seen: dict[str, int] = {}
    for node in spelled_out(top["cases"], answers).items("cases"):
        for case in _cases(node, name, top["spec"].string("spec"), tags, defaults, remedies):
            if case.id in seen:
                node.fail(f"the id {case.id!r} stands in line {seen[case.id]} already")
            seen[case.id] = case.line
            cases.append(case)
    if not cases:
        top["cases"].fail("a suite file has at least one case")
    return Suite(top["title"].string("title"), top["spec"].string("spec"), name, tuple(cases))


def _cases(
    node: Node,
    file: str,
    spec: str,
    tags: tuple[str, ...],
    defaults: Mapping[str, Node],
    remedies: Mapping[str, Node],
) -> Iterable[Case]:
    given = node.mapping("a case", CASE_KEYS)
    for key in ("id", "title", "dialogue"):
        if key not in given:
            node.fail(f"the case has no {key!r}")
    name = given["id"].string("id")
    if not _ID.match(name):
        given["id"].fail(f"the id {name!r} is not made of small letters, digits and single hyphens")
    values = {**defaults, **given}
    if "remedy" in values:
        values["remedy"] = _remedy(values["remedy"], remedies)
    rows, columns = _rows(values)
    control = _control(values, rows, columns)
    plays = dict(rows) or {"": {}}
    if control is not None and control.variables is not None:
        plays["control"] = control.variables
    base = f"{file.removesuffix('.yaml')}/{name}"
    canonical = _canonical(node)
    patterned = pattern_columns(values["dialogue"])
    compiled: dict[str, Case] = {}  # rows that say nothing of themselves, nor in patterns, share their dialogue
    for row, variables in plays.items():
        is_control = control is not None and row == control.row
        own = {key: variables[key] for key in ROW_COLUMNS if key in variables}
        shaping = [(column, cell.value) for column, cell in variables.items() if column in own or column in patterned]
        key = repr(sorted(shaping, key=lambda item: item[0]))
        if key not in compiled:
            compiled[key] = _case(node, {**values, **own}, file, spec, variables)
        case = compiled[key]
        if is_control and control is not None and control.expected is not None:
            case = replace(case, dialogue=control.cut(case))
        values_of_row = {
            key: octets(value, Context(tuple(model.VARIABLES), frozenset()))
            for key, value in variables.items()
            if key not in own
        }
        used = {name for value in values_of_row.values() for name in value.variables()}
        target = tuple(dict.fromkeys((*case.needs.target, *_target_needs(used, 0))))
        yield replace(
            case,
            needs=replace(case.needs, target=target),
            id=f"{base}[{row}]" if row else base,
            title=_row_title(case, row, own, is_control),
            tags=tuple(dict.fromkeys((*tags, *case.tags))),
            variables=values_of_row,
            control=is_control,
            after=case.after + ((f"{base}[{control.row}]",) if control is not None and not is_control else ()),
            hash=hashlib.sha256((canonical + row).encode()).hexdigest()[:16],
        )


def _remedy(node: Node, remedies: Mapping[str, Node]) -> Node:
    """Return the mapping of products that a case gives, or names out of ``remedies`` at the top of its file."""
    if not isinstance(node.value, str):
        return node
    if node.value not in remedies:
        node.fail(f"no remedy is named {node.value!r}{suggest(node.value, remedies)}")
    return remedies[node.value]


def _row_title(case: Case, row: str, own: Mapping[str, Node], is_control: bool) -> str:
    if "title" in own:
        return own["title"].string("title")
    if is_control:
        return f"{case.title} [control: {row}]" if row != "control" else f"{case.title} [control]"
    return f"{case.title} [{row}]" if row else case.title


def _canonical(node: Node) -> str:
    if isinstance(node.value, dict):
        return "{" + ",".join(f"{key}:{_canonical(item)}" for key, item in node.value.items()) + "}"
    if isinstance(node.value, list):
        return "[" + ",".join(_canonical(item) for item in node.value) + "]"
    return repr(node.value)


def _rows(values: Mapping[str, Node]) -> tuple[dict[str, dict[str, Node]], tuple[str, ...]]:
    """Return the rows of ``each`` (name -> column -> value) and the columns."""
    if "each" not in values:
        return {}, ()
    table = values["each"].mapping("each")
    if len(table) != 1:
        values["each"].fail('each has one key: the names of its columns, as in "ending" or "line, expected"')
    ((header, body),) = table.items()
    columns = tuple(column.strip() for column in header.split(","))
    for column in columns:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", column):
            body.fail_key(f"{column!r} is no name for a column: small letters, digits and underscores")
        if column in model.VARIABLES:
            body.fail_key(f"${column} is a variable of the suite: give the column another name")
    rows: dict[str, dict[str, Node]] = {}
    for row, node in body.mapping("the table").items():
        if not _ROW.match(row) or row == "control":
            node.fail_key(f"{row!r} is no name for a row: letters, digits and . _ + - (and not 'control')")
        cells = [node] if len(columns) == 1 else node.items("a row of several columns")
        if len(cells) != len(columns):
            node.fail(f"the row has {len(cells)} values for {len(columns)} columns ({', '.join(columns)})")
        rows[row] = dict(zip(columns, cells, strict=True))
    if not rows:
        body.fail("the table has no row")
    return rows, columns


@dataclass(frozen=True)
class _Control:
    row: str
    variables: dict[str, Node] | None
    expected: str | None
    node: Node

    def cut(self, case: Case) -> tuple[model.Step, ...]:
        """Return the dialogue up to the first judgement, which is replaced by the control's own."""
        from conformance.case.dialogue import judgement

        for index, step in enumerate(case.dialogue):
            if isinstance(step, model.Expect) and not step.premise:
                own = judgement(step.session, self.expected or "", self.node)
                return (*case.dialogue[:index], own)
        return case.dialogue


def _control(
    values: Mapping[str, Node], rows: Mapping[str, dict[str, Node]], columns: tuple[str, ...]
) -> _Control | None:
    if "control" not in values:
        return None
    node = values["control"]
    if not rows:
        node.fail("control belongs to a table (each)")
    if isinstance(node.value, str):
        if node.value not in rows:
            node.fail(f"no row is named {node.value!r}{suggest(node.value, rows)}")
        return _Control(node.value, None, None, node)
    given = node.mapping("control", ("with", "S"))
    for key in ("with", "S"):
        if key not in given:
            node.fail("control is the name of a row, or {with: {column: value}, S: pattern}")
    variables = given["with"].mapping("with", columns)
    missing = [column for column in columns if column not in variables and column not in ROW_COLUMNS]
    if missing:
        given["with"].fail(f"with has no value for {', '.join(missing)}")
    return _Control("control", variables, given["S"].string("S"), given["S"])


def _case(node: Node, values: Mapping[str, Node], file: str, spec: str, row: Mapping[str, Node]) -> Case:
    from conformance.requirement.registry import find

    ids = values["requirement"].strings("requirement") if "requirement" in values else ()
    if not ids:
        node.fail("the case has no 'requirement': the id of what it tests, as in RFC5321-4.5.2-01")
    levels = []
    for place, name in zip(values["requirement"].one_or_many(), ids, strict=True):
        found = find(name)
        if found is None:
            place.fail(f"no requirement is named {name!r}{_nearest(name)}")
        levels.append(found.level)
    level = levels[0]
    title = values["title"].string("title")
    cells = {column: cell for column, cell in row.items() if column not in ROW_COLUMNS}
    texts = {column: str(cell.value) for column, cell in cells.items() if isinstance(cell.value, str | int)}
    context = Context(tuple(model.VARIABLES), frozenset(cells), level=level, texts=texts)
    steps = dialogue(values["dialogue"], context)
    if not any(
        isinstance(s, model.Delivered | model.Certificate | model.Compare)
        or (isinstance(s, model.Expect | model.Tls) and _judges(s))
        for s in model.flat(steps)
    ):
        values["dialogue"].fail("the dialogue has no judgement: an S: mapping with verdicts, or delivered:")
    cleanup = dialogue(values["finally"], context) if "finally" in values else ()
    impact = values["impact"].choice("impact", model.IMPACTS) if "impact" in values else "session"
    if impact not in ("load", "crash") and any(isinstance(step, model.Crowd) for step in model.flat(steps)):
        values["dialogue"].fail("a crowd is a load: impact: load")
    start = values["start"].choice("start", model.START_LADDER) if "start" in values else "ehlo"
    start2 = values["start2"].choice("start2", model.START_LADDER) if "start2" in values else "ehlo"
    needs = _needs(values.get("needs"), start, start2, (*steps, *cleanup))
    shared = "session" in values and values["session"].choice("session", ("own", "shared")) == "shared"
    if shared and not _can_share(start, impact, (*steps, *cleanup)):
        starts = ", ".join(model.SHARING_STARTS)
        values["session"].fail(f"a shared session starts at {starts}, stays as it is, and has the impact session")
    return Case(
        id="",
        title=title,
        requirement=ids,
        level=level,
        spec=values["spec"].string("spec") if "spec" in values else spec,
        dialogue=steps,
        start=start,
        start2=start2,
        needs=needs,
        impact=impact,
        after=_after(values, file),
        finally_=cleanup,
        tags=values["tags"].strings("tags") if "tags" in values else (),
        note=values["note"].string("note") if "note" in values else "",
        meaning=values["meaning"].string("meaning") if "meaning" in values else "",
        severity=values["severity"].choice("severity", model.SEVERITIES) if "severity" in values else None,
        cwe=values["cwe"].strings("cwe") if "cwe" in values else (),
        cve=values["cve"].strings("cve") if "cve" in values else (),
        remedy={k: v.string("a remedy") for k, v in values["remedy"].mapping("remedy").items()}
        if "remedy" in values
        else {},
        timeout=values["timeout"].seconds("timeout") if "timeout" in values else None,
        shared=shared,
        file=file,
        line=node.line,
    )


def _can_share(start: str, impact: str, steps: tuple[model.Step, ...]) -> bool:
    """Whether a case can be played in a session with others."""
    plain = (model.Send, model.Expect, model.Wait, model.Repeat)
    ours = all(isinstance(step, plain) and getattr(step, "session", 1) == 1 for step in model.flat(steps))
    return ours and start in model.SHARING_STARTS and impact == "session"


def _judges(step: model.Expect | model.Tls) -> bool:
    return bool(step.alternatives) if isinstance(step, model.Tls) else step.judges


def _nearest(name: str) -> str:
    from conformance.requirement.registry import suggest as nearest

    near = nearest(name)
    return f": did you mean {' or '.join(near[:2])}?" if near else ""


def _after(values: Mapping[str, Node], file: str) -> tuple[str, ...]:
    if "after" not in values:
        return ()
    names = values["after"].strings("after")
    return tuple(name if "/" in name else f"{file.removesuffix('.yaml')}/{name}" for name in names)


def _needs(node: Node | None, start: str, start2: str, dialogue: tuple[model.Step, ...]) -> Needs:
    steps = tuple(model.flat(dialogue))
    given = node.mapping("needs", NEEDS_KEYS) if node is not None else {}
    ehlo = [word.upper() for word in given["ehlo"].strings("ehlo")] if "ehlo" in given else []
    target: list[str] = []
    if "target" in given:
        for item in given["target"].one_or_many():
            target.append(item.choice("a need of the target", TARGET_NEEDS))
    roles: tuple[str, ...] = model.SMTP_ROLES
    if "role" in given:
        names = given["role"].strings("role")
        for item in given["role"].one_or_many():
            item.choice("a role", (*model.ROLES, "any"))
        roles = model.ROLES if "any" in names else names
    sessions = {step.session for step in steps if isinstance(step, model.OfSession)}
    starts = [start] + ([start2] if sessions - {1} else [])
    ladder = max(model.START_LADDER.index(name) for name in starts)
    target += _target_needs(model.used_variables(dialogue), ladder)
    if "tls" in starts:
        ehlo.append("STARTTLS")
    if "auth" in starts:
        ehlo.append("AUTH")
        target.append("credentials")
    if any(_is_relayed(step) for step in steps) and "observer" not in target:
        target.append("sink")  # unless the case says that a mailbox will do, where nothing may be there
    if any(isinstance(step, model.Delivered) for step in steps):
        target.append("observer")
    clear_text = given["clear_text"].boolean("clear_text") if "clear_text" in given else False
    greeting = given["greeting"].integer("greeting", 500) if "greeting" in given else 0
    loopback = given["loopback"].boolean("loopback") if "loopback" in given else False
    return Needs(tuple(dict.fromkeys(ehlo)), tuple(dict.fromkeys(target)), roles, clear_text, loopback, greeting)


def _is_relayed(step: model.Step) -> bool:
    """Return whether a step reads what is seen at the next hop only: mail for elsewhere, or what RCPT said there."""
    if not isinstance(step, model.Delivered):
        return False
    return (
        step.recipient is not None
        or bool(step.parameters or step.commands)
        or any(name.startswith("foreign") for name in step.to.variables())
    )


def _target_needs(names: set[str], ladder: int) -> list[str]:
    """Return what the target file must name: the addresses that the variables or the start ladder use."""
    needs = [
        name
        for name in model.ADDRESS_VARIABLES
        if name != "sender" and any(used == name or used.startswith(f"{name}_") for used in names)
    ]
    if ladder >= model.START_LADDER.index("rcpt"):
        needs.append("recipient")
    if {"user", "password"} & names:
        needs.append("credentials")
    return needs


def octets_of(text: str) -> Octets:
    """Return a template without variables."""
    return Octets((text.encode(),))
