"""The steps of a dialogue: YAML to ``conformance.case.model`` steps, in the notation of RFC 5321's Appendix D."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import comb

from conformance.case import model
from conformance.case.model import (
    Alternative,
    Certificate,
    Compare,
    Crowd,
    Delivered,
    Expect,
    Hangup,
    HeaderField,
    Repeat,
    Send,
    Step,
    Tls,
    Wait,
)
from conformance.case.octets import (
    Base64,
    Chunk,
    Fill,
    Message,
    Octets,
    Part,
    Sasl,
    TemplateError,
    Variable,
    regex_text,
    template,
)
from conformance.case.pattern import CERTIFICATE_FACTS, Pattern, PatternError, parse
from conformance.case.yaml import Node
from conformance.smtp.sasl import MECHANISMS

STEP_KEYS = (
    "C",
    "S",
    "C2",
    "S2",
    "C3",
    "S3",
    "tls",
    "tls2",
    "certificate",
    "wait",
    "hangup",
    "hangup2",
    "delivered",
    "repeat",
    "compare",
    "crowd",
)
FORMS: dict[str, tuple[str, ...]] = {
    "raw": (),
    "hex": (),
    "base64": (),
    "fill": ("times", "octets", "minus"),
    "bdat": ("last",),
    "sasl": ("challenge", "user", "password", "nonce"),
}
"""The ways to say octets, and the keys that may go with each."""
OCTET_KEYS = tuple(key for form, others in FORMS.items() for key in (form, *others))
SEND_KEYS = (*OCTET_KEYS, "message", "segments", "chop", "every", "line")
TLS_KEYS = ("min", "max", "verify", "established", "failed")
DELIVERED_KEYS = (
    "to",
    "count",
    "within",
    "body",
    "contains",
    "lacks",
    "header",
    "matches",
    "trace",
    "dated",
    "crlf",
    "sender",
    "recipient",
    "parameters",
    "commands",
    "met",
    "otherwise",
)
REPEAT_KEYS = ("times", "each", "steps")
MAX_REPEAT = 10_000
"""How often steps can be repeated."""
MAX_CROWD = 60
"""How many sessions a crowd has at most."""
COMPARE_KEYS = ("between", "samples", "error", "least", "renew", *model.COMPARISONS)
MAX_SAMPLES = 50
"""How many samples of each kind a comparison can take."""
TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

_COLUMN = re.compile(r"\$(?:([a-z][a-z0-9_]*)|\{([a-z][a-z0-9_]*)\})")
_STEP = re.compile(r"([CS]|tls|hangup)([2-9]?)\Z")


@dataclass(frozen=True)
class Context:
    """What a dialogue may use: the variables of the suite and of the table, and the requirement's level."""

    variables: tuple[str, ...]
    columns: frozenset[str]
    level: str = "MUST"
    texts: Mapping[str, str] = field(default_factory=dict)
    """What the columns of the table hold in this row, where it is plain text: it may stand in patterns."""
    repeated: bool = False
    """Whether the steps stand in a ``repeat``, which a judgement may leave."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that ``$name`` may stand for."""
        return (*self.variables, *self.columns)

    def bind(self, names: tuple[str, ...]) -> Context:
        """Return the context with the names that a pattern captured."""
        return replace(self, columns=self.columns | set(names)) if names else self

    def written(self, pattern: str) -> str:
        """Return a pattern with ``$column`` replaced, but for its regular expression (where ``$`` is the end)."""
        head, slash, regex = pattern.partition("/")
        return _COLUMN.sub(lambda match: self.texts.get(match[1] or match[2], match[0]), head) + slash + regex


def dialogue(node: Node, context: Context) -> tuple[Step, ...]:
    """Return the steps of a dialogue. Raises SourceError."""
    steps: list[Step] = []
    for item in node.items("a dialogue"):
        for step in _steps(item, context):
            if steps and not model.goes_on(steps[-1]):
                item.fail("nothing leads here: what stands before it ends the case in every way (one has to be 'go')")
            steps.append(step)
            if isinstance(step, Expect):
                for alternative in step.alternatives:
                    context = context.bind(alternative.pattern.names)
    return tuple(steps)


def pattern_columns(node: Node) -> set[str]:
    """Return the names after a ``$`` in the patterns of a dialogue, outside of their regular expressions."""
    if isinstance(node.value, list):
        return {name for item in node.value for name in pattern_columns(item)}
    if not isinstance(node.value, dict):
        return set()
    found: set[str] = set()
    for key, value in node.value.items():
        if key.startswith("S") and _STEP.match(key):
            for item in value.one_or_many():
                for source in item.value if isinstance(item.value, dict) else (str(item.value),):
                    found |= {match[1] or match[2] for match in _COLUMN.finditer(source.partition("/")[0])}
        else:
            found |= pattern_columns(value)
    return found


def _steps(node: Node, context: Context) -> list[Step]:
    given = node.mapping("a step", STEP_KEYS)
    if len(given) != 1:
        node.fail(
            "a step has one key: C, S, tls, certificate, wait, hangup, repeat, compare, crowd or delivered "
            "(the next step: a new '-')"
        )
    ((key, value),) = given.items()
    match = _STEP.match(key)
    session = int(match[2] or 1) if match else 1
    kind = match[1] if match else key
    if kind == "C":
        return [_send(value, session, context)]
    if kind == "S":
        return [_expect(item, session, context) for item in value.one_or_many()]
    if kind == "tls":
        return [_tls(value, session, context)]
    if kind == "certificate":
        return [_certificate(value, context)]
    if kind == "hangup":
        return [Hangup(session, value.choice("hangup", ("close", "reset")), value.line)]
    if kind == "wait":
        return [Wait(value.seconds("wait"), value.line)]
    if kind == "repeat":
        return [_repeat(value, context)]
    if kind == "compare":
        return [_compare(value, context)]
    if kind == "crowd":
        return [_crowd(value)]
    return [_delivered(value, context)]


def _repeat(node: Node, context: Context) -> Repeat:
    given = node.mapping("repeat", REPEAT_KEYS)
    if "steps" not in given or ("times" in given) == ("each" in given):
        node.fail("repeat is said as {times: 100, steps: [...]} or {each: {name: [values]}, steps: [...]}")
    if "each" in given:
        return _repeat_each(given["each"], given["steps"], context)
    times = given["times"].integer("times", 1)
    if times > MAX_REPEAT:
        given["times"].fail(f"times is at most {MAX_REPEAT}")
    return Repeat(times, dialogue(given["steps"], _inside(context, ("count",))), line=node.line)


def _inside(context: Context, names: tuple[str, ...]) -> Context:
    return replace(context.bind(names), repeated=True)


def _repeat_each(each: Node, steps: Node, context: Context) -> Repeat:
    columns = each.mapping("each")
    if len(columns) != 1:
        each.fail("each has one name with its values: {ending: [...]}")
    ((name, values),) = columns.items()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in context.names:
        values.fail_key(f"{name!r} is no new name: small letters, digits and underscores, and no variable has it")
    found = tuple(octets(value, context) for value in values.items("the values"))
    if not found:
        values.fail("each has at least one value")
    return Repeat(len(found), dialogue(steps, _inside(context, ("count", name))), name, found, each.line)


def _compare(node: Node, context: Context) -> Compare:
    given = node.mapping("compare", COMPARE_KEYS)
    for key in ("between", "samples", "error", "least", *model.COMPARISONS):
        if key not in given:
            node.fail(f"compare has no {key!r}")
    exchanges = given["between"].mapping("between")
    if len(exchanges) != 2:
        given["between"].fail("between has two names, each with its steps: {known: [...], unknown: [...]}")
    samples, error = given["samples"].integer("samples", 1), _share(given["error"])
    if samples > MAX_SAMPLES:
        given["samples"].fail(f"samples are at most {MAX_SAMPLES} of each")
    if 2 / comb(2 * samples, samples) > error:
        given["samples"].fail(f"{samples} samples of each never make a difference at an error of {error:g}")
    inside = replace(context.bind(("count",)), repeated=False)
    (one, first), (other, second) = exchanges.items()
    return Compare(
        (one, other),
        (dialogue(first, inside), dialogue(second, inside)),
        samples,
        error,
        given["least"].seconds("least"),
        tuple(_alternative(Pattern(word), given[word], context) for word in model.COMPARISONS),
        given["renew"].integer("renew", 1) if "renew" in given else 0,
        node.line,
    )


def _crowd(node: Node) -> Crowd:
    sessions = node.integer("crowd")
    if sessions > MAX_CROWD:
        node.fail(f"a crowd has {MAX_CROWD} sessions at most")
    return Crowd(sessions, node.line)


def _share(node: Node) -> float:
    """Return a number between 0 and 1. Raises SourceError."""
    said = node.string("error")
    if not re.fullmatch(r"0\.[0-9]*[1-9][0-9]*", said):
        node.fail("error is a share of all runs, as in 0.001")
    return float(said)


# ---------------------------------------------------------------------- what the client sends


def text(node: Node, what: str, context: Context) -> Octets:
    """Return the template of a text. Raises SourceError."""
    try:
        return template(node.string(what), context.names)
    except TemplateError as error:
        node.fail(str(error))


def octets(node: Node, context: Context) -> Octets:
    """Return the template of an octet expression (text, list, or one of ``FORMS``). Raises SourceError."""
    if isinstance(node.value, list):
        return Octets(tuple(part for item in node.value for part in octets(item, context).parts))
    if isinstance(node.value, dict):
        return Octets(_encoded(node, node.mapping("octets", OCTET_KEYS), context))
    return text(node, "octets", context)


def _encoded(node: Node, given: dict[str, Node], context: Context) -> tuple[Part, ...]:
    forms = [key for key in (*FORMS, "message") if key in given]
    if len(forms) != 1:
        node.fail(f"octets are said in one way: {', '.join(FORMS)}")
    form = forms[0]
    for key in given:
        if key != form and key not in FORMS.get(form, ()):
            given[key].fail_key(f"{form} and {key} don't go together")
    value = given[form]
    if form == "raw":
        return octets(value, context).parts
    if form == "base64":
        return (Base64(octets(value, context)),)
    if form == "message":
        return (Message(octets(value, context)),)
    if form == "bdat":
        return (Chunk(octets(value, context), given["last"].boolean("last") if "last" in given else False),)
    if form == "sasl":
        return (_sasl(value, given, context),)
    if form == "fill":
        return (_fill(node, given, context),)
    try:
        return (binascii.unhexlify(re.sub(r"\s+", "", value.string("hex"))),)
    except (ValueError, binascii.Error):
        value.fail("hex is pairs of hexadecimal digits: {hex: 0d 0a}")


def _fill(node: Node, given: dict[str, Node], context: Context) -> Fill:
    if ("times" in given) == ("octets" in given):
        node.fail('fill needs times or octets: {fill: a, times: 998}, {fill: "text\\r\\n", octets: 70000}')
    return Fill(
        octets(given["fill"], context),
        times=_number(given["times"], "times", context) if "times" in given else None,
        octets=_number(given["octets"], "octets", context) if "octets" in given else None,
        minus=octets(given["minus"], context) if "minus" in given else None,
    )


def _sasl(value: Node, given: dict[str, Node], context: Context) -> Sasl:
    def part(key: str, otherwise: str) -> Octets:
        return octets(given[key], context) if key in given else Octets((Variable(otherwise),))

    return Sasl(
        value.choice("sasl", MECHANISMS),
        octets(given["challenge"], context) if "challenge" in given else None,
        part("user", "user"),
        part("password", "password"),
        part("nonce", "token"),
    )


def _number(node: Node, what: str, context: Context, minimum: int = 0) -> int | Variable:
    """Return a number or the variable that holds it. Raises SourceError."""
    if isinstance(node.value, str):
        name = node.value.removeprefix("$").strip("{}")
        if node.value.startswith("$") and name in context.names:
            return Variable(name)
        node.fail(f"{what} is a number or a $variable")
    return node.integer(what, minimum)


CRLF = Octets((b"\r\n",))


def _line(value: Octets) -> Octets:
    return Octets((*value.parts, b"\r\n"))


def _send(node: Node, session: int, context: Context) -> Send:
    if isinstance(node.value, list):
        lines = [
            _line(octets(item, context)) if isinstance(item.value, str | int) else octets(item, context)
            for item in node.value
        ]
        return Send(session, (Octets(tuple(part for line in lines for part in line.parts)),), line=node.line)
    if not isinstance(node.value, dict):
        return Send(session, (_line(text(node, "C", context)),), line=node.line)
    given = node.mapping("C", SEND_KEYS)
    every = given["every"].seconds("every") if "every" in given else 0.05
    if "segments" in given:
        for key in given:
            if key not in ("segments", "every"):
                given[key].fail_key(f"segments and {key} don't go together")
        pieces = tuple(octets(item, context) for item in given["segments"].items("segments"))
        return Send(session, pieces, every=every, line=node.line)
    chop = _number(given["chop"], "chop", context, 1) if "chop" in given else 0
    if "every" in given and not chop:
        given["every"].fail_key("every belongs to chop or segments")
    rest = {key: value for key, value in given.items() if key not in ("chop", "every", "line")}
    if "line" in given:
        if rest:
            given["line"].fail_key("line is said alone: {line: [...]} sends it with CRLF")
        whole = _line(octets(given["line"], context))
    else:
        whole = Octets(_encoded(node, rest, context))
    return Send(session, (whole,), chop=chop, every=every if chop else 0.0, line=node.line)


# ---------------------------------------------------------------------- what the server answers


def _expect(node: Node, session: int, context: Context) -> Expect:
    if isinstance(node.value, dict):
        return Expect(session, _alternatives(node, context), premise=False, line=node.line)
    pattern = _pattern(context.written(node.string("S")), node)
    return Expect(session, (Alternative(pattern, model.GO, Octets(())),), premise=True, line=node.line)


def judgement(session: int, expected: str, node: Node) -> Expect:
    """Return a judgement that one pattern passes. Raises SourceError."""
    return Expect(session, (Alternative(_pattern(expected, node), "pass", Octets(())),), premise=False, line=node.line)


def _pattern(source: str, node: Node) -> Pattern:
    try:
        pattern = parse(source)
    except PatternError as error:
        node.fail(str(error))
    if pattern.tls is not None:
        node.fail(f"{source!r} is said under tls:")
    return pattern


def _alternatives(node: Node, context: Context) -> tuple[Alternative, ...]:
    alternatives = []
    for source, value in node.mapping("S").items():
        try:
            pattern = parse(context.written(source))
        except PatternError as error:
            value.fail_key(str(error))
        alternatives.append(_alternative(pattern, value, context.bind(pattern.names)))
    if not alternatives:
        node.fail("a judgement has at least one alternative, as in {2xx: pass}")
    return tuple(alternatives)


def _alternative(pattern: Pattern, node: Node, context: Context) -> Alternative:
    verdict, reason = verdict_and_reason(node, context)
    return Alternative(pattern, verdict, reason)


def verdict_and_reason(node: Node, context: Context) -> tuple[str, Octets]:
    """Return ``verdict - reason`` as its two parts. Raises SourceError for a verdict that the level forbids."""
    verdict, _, reason = node.string("a verdict").partition(" - ")
    verdict = verdict.strip()
    if verdict not in model.VERDICT_WORDS:
        node.fail(f"{verdict!r} is no verdict: {', '.join(model.VERDICT_WORDS)}, then ' - ' and the reason")
    if verdict in (model.LEAVE, model.NEXT) and not context.repeated:
        node.fail(f"there is no repeat here, in which {verdict!r} has a meaning")
    if context.level == "MAY" and verdict in ("fail", "warn"):
        node.fail("a MAY can't fail or warn: what it permits is info")
    if context.level.startswith("SHOULD") and verdict == "fail":
        node.fail("a SHOULD can't fail: what declines it is a warn")
    if verdict in ("fail", "warn", "inconclusive") and not reason.strip():
        node.fail(f"{verdict} needs a reason: '{verdict} - what is wrong and whom it hurts'")
    try:
        return verdict, template(reason.strip(), context.names)
    except TemplateError as error:
        node.fail(str(error))


def _tls(node: Node, session: int, context: Context) -> Tls:
    given = node.mapping("tls", TLS_KEYS) if node.value is not None else {}
    alternatives = tuple(
        _alternative(parse(key), given[key], context) for key in ("established", "failed") if key in given
    )
    return Tls(
        session,
        alternatives,
        minimum=_version(given["min"], context) if "min" in given else None,
        maximum=_version(given["max"], context) if "max" in given else None,
        verify=given["verify"].boolean("verify") if "verify" in given else False,
        line=node.line,
    )


def _version(node: Node, context: Context) -> str:
    """Return a version of TLS; a column of the table may hold it. Raises SourceError."""
    said = context.written(node.string("a version of TLS"))
    if said not in TLS_VERSIONS:
        node.fail(f"{said!r} is no version of TLS: {', '.join(TLS_VERSIONS)}")
    return said


def _certificate(node: Node, context: Context) -> Certificate:
    """Return a look at the certificate: what is wrong with it, and ``any`` for all else. Raises SourceError."""
    alternatives = tuple(
        _alternative(Pattern(fact), verdict, context)
        for fact, verdict in node.mapping("certificate", (*CERTIFICATE_FACTS, "any")).items()
    )
    if not alternatives or alternatives[-1].pattern.source != "any":
        node.fail("the last alternative of a certificate is any: {expired: warn - ..., any: pass}")
    return Certificate(1, alternatives, node.line)


# ---------------------------------------------------------------------- what the recipient gets


def _delivered(node: Node, context: Context) -> Delivered:
    given = node.mapping("delivered", DELIVERED_KEYS) if node.value is not None else {}
    context = replace(context, repeated=False)
    otherwise, reason = verdict_and_reason(given["otherwise"], context) if "otherwise" in given else (None, None)
    met, met_reason = verdict_and_reason(given["met"], context) if "met" in given else (None, None)
    least, count = _counts(given["count"]) if "count" in given else (None, 1)
    within = given["within"].seconds("within") if "within" in given else (10.0 if count else 2.0)
    if count == 0 and given.keys() - {"to", "count", "within", "lacks", "met", "otherwise"}:
        node.fail("count: 0 has nothing to look into")
    return Delivered(
        to=octets(given["to"], context) if "to" in given else Octets((Variable("recipient"),)),
        count=count,
        least=least,
        within=within,
        body=octets(given["body"], context) if "body" in given else None,
        contains=tuple(octets(item, context) for item in given["contains"].one_or_many())
        if "contains" in given
        else (),
        lacks=tuple(octets(item, context) for item in given["lacks"].one_or_many()) if "lacks" in given else (),
        header=_header(given["header"]) if "header" in given else (),
        matches=_regexes(given["matches"], context) if "matches" in given else (),
        trace=_regexes(given["trace"], context) if "trace" in given else (),
        dated=given["dated"].seconds("dated") if "dated" in given else None,
        crlf=given["crlf"].boolean("crlf") if "crlf" in given else False,
        sender=octets(given["sender"], context) if "sender" in given else None,
        recipient=octets(given["recipient"], context) if "recipient" in given else None,
        parameters=_regexes(given["parameters"], context) if "parameters" in given else (),
        commands=_regexes(given["commands"], context) if "commands" in given else (),
        otherwise=otherwise,
        reason=reason,
        met=met,
        met_reason=met_reason,
        line=node.line,
    )


def _counts(node: Node) -> tuple[int | None, int]:
    """Return how many messages at least (None: as many as at most) and at most: ``1``, ``0..1``."""
    match = re.fullmatch(r"(\d+)\.\.(\d+)", node.value) if isinstance(node.value, str) else None
    if match is None:
        return None, node.integer("count")
    if int(match[1]) >= int(match[2]):
        node.fail("a range of counts goes from the smaller to the larger: 0..1")
    return int(match[1]), int(match[2])


def _regexes(node: Node, context: Context) -> tuple[Octets, ...]:
    return tuple(_regex(item, context) for item in node.one_or_many())


def _regex(node: Node, context: Context) -> Octets:
    match = re.fullmatch(r"/(.*)/", node.string("a regular expression"), re.DOTALL)
    if match is None:
        node.fail("a regular expression stands between slashes")
    try:
        regex = template(match[1], context.names)
        re.compile(regex_text(regex))
    except TemplateError as error:
        node.fail(str(error))
    except re.error as error:
        node.fail(f"the regular expression is wrong: {error}")
    return regex


def _header(node: Node) -> tuple[HeaderField, ...]:
    fields = []
    for name, value in node.mapping("header").items():
        wanted = value.string("a header field")
        if wanted in ("present", "absent"):
            fields.append(HeaderField(name, wanted == "present"))
            continue
        match = re.fullmatch(r"/(.*)/", wanted, re.DOTALL)
        try:
            regex = match[1] if match else re.escape(wanted) + r"\Z"
            re.compile(regex)
        except re.error as error:
            value.fail(f"the regular expression is wrong: {error}")
        fields.append(HeaderField(name, True, regex))
    return tuple(fields)
