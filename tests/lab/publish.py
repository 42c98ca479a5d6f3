"""``publish``: what the lab's servers answered, as pages for everybody: ``reports/``.

A folder for each server with its result stream and its report, and ``index.html``, the matrix of all. What is published
changes only when a server's answer does: it holds no times, no ports and none of the run's tokens, and a result that
came to the same as the one that is published stays as it is published, queue ids and all. Security findings without an
advisory (``ADVISORIES``) are counted and not shown. The transcripts of what holds and of what was not played are
left out; whoever wants them plays the suite.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.report import html
from conformance.report.matrix import Column, write_matrix
from conformance.report.published import published
from conformance.report.summary import withheld
from conformance.report.text import plural
from conformance.stream import Event, Result, Run, StreamError, read, write
from tests.lab.kit.place import PROJECT
from tests.lab.kit.server import Server
from tests.lab.run import PLAYED, RUNS
from tests.lab.servers import load
from tests.lab.up import version

REPORTS = PROJECT / "reports"

FLAWS = (
    "lint/line-end",
    "rfc2195-cram-md5/2-challenge/challenges-differ*",
    "rfc3030-chunking/2-bdat/*",
    "rfc3207-starttls/4-starttls-command/clear-text-never-runs-in-tls*",
    "rfc3207-starttls/4.2-result/*-forgotten*",
    "rfc3461-dsn/4-parameters/mail-parameters-malformed*",
    "rfc3461-dsn/5.2.3-notices-of-delivery/*",
    "rfc4954-auth/4-auth-command/*-prompt*",
    "rfc4954-auth/4-auth-command/line-without-end*",
    "rfc5321/4.5.3.1-sizes/far-beyond-limits*",
    "rfc5321/4.5.3.1-sizes/line-is-one-command*",
    "rfc5321/2.3.8-lines/*-hides-no-command*",
    "rfc5321/3.3-mail-transactions/mail-replaces-or-is-refused*",
    "rfc5321/4.1.1.10-quit/lost-connection*",
    "rfc5321/4.1.1.4-data/answered-once*",
    "rfc5321/4.1.1.4-data/end-in-segments*",
    "rfc5321/4.1.1.4-data/false-end*",
    "rfc5321/4.1.1.4-data/octet-by-octet*",
    "rfc5321/4.1.4-order-of-commands/ehlo-again-clears*",
    "rfc5321/4.1.4-order-of-commands/second-mail*",
    "rfc5321/4.5.2-transparency/dot-after-bare-line-end*",
    "rfc5322-message/3-added-fields/no-line-ends-from-the-client*",
)
"""Cases without a severity that tell of a flaw when they fail.

Text is run as commands or written into the header, replies no longer match commands, a message goes to the recipients
of another.
"""

SMUGGLING = (
    "security/smuggling/*",
    "rfc5321/4.1.1.4-data/false-end*",
    "rfc5321/4.5.2-transparency/dot-after-bare-line-end*",
)

ADVISORIES: Mapping[str, Mapping[str, str]] = {
    "chasquid": dict.fromkeys(SMUGGLING, "CVE-2023-52354"),
    "postfix": dict.fromkeys(SMUGGLING, "CVE-2023-51764"),
}
"""Which findings are public, by target: globs of case ids, with the advisory."""

SHOWN = ("fail", "warn", "info", "inconclusive", "error")
"""Verdicts whose transcripts are published."""

EXAMPLES = 3
"""Breaches of a rule for every reply that are published."""

TITLES = {"smtp-server": "smtp-server", "smtpd": "smtpd", "aiosmtpd": "aiosmtpd", "mox": "mox", "maddy": "maddy"} | {
    "chasquid": "chasquid",
    "james": "Apache James",
    "opensmtpd": "OpenSMTPD",
    "qpsmtpd": "qpsmtpd",
    "sendmail": "Sendmail",
}
"""Names that are not written with a capital and the rest small."""

_TOKEN = re.compile(r"\bsc-[0-9a-f]{8,}")
_DATE = re.compile(r"(?P<day>\w{3}, +)?\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d (?P<zone>[+-]0000|GMT|UTC|[+-]\d{4})")
_PORT = re.compile(r"(127\.0\.0\.\d\]?):\d{4,5}\b")
_WHERE = re.compile(r" \(in .*\)$")
_VARIES = re.compile(r"[0-9a-fA-F]{6,}|\d+")


def publish(names: Sequence[str]) -> int:
    """Write ``reports/`` from the runs that are stored; return the exit code."""
    servers = [server for server in load().values() if not names or server.name in names]
    missing = []
    for server in servers:
        for target in targets(server):
            run = stored(target)
            if run is None:
                missing.append(target)
                continue
            title = f"{TITLES.get(server.name) or server.name.capitalize()} {release(version(server.home))}"
            if target != server.name:
                title += f", {target.removeprefix(server.name + '-')}"
            write_one(run, REPORTS / target, title.strip(), ADVISORIES.get(target, {}))
    columns = [Column(read(stream), stream) for stream in sorted(REPORTS.glob("*/run.jsonl.gz"))]
    write_matrix(columns, REPORTS / "index.html")
    size = sum(path.stat().st_size for path in REPORTS.rglob("*") if path.is_file())
    print(f"{plural(len(columns), 'report')} in {REPORTS}, {size / 1e6:.1f} MB")
    for target in missing:
        print(f"MISSING: {target}: no whole run in {RUNS}")
    return 1 if missing else 0


def targets(server: Server) -> list[str]:
    """Return the targets of a server that are published: where mail arrives, or else where users hand it in.

    All of them would be too much to keep; where users hand mail in, a server answers much the same.
    """
    roles = {name: str(keys["role"]) for name, keys in server.targets.items()}
    if "mx" in roles.values():
        return [next(name for name, role in roles.items() if role == "mx")]
    return [name for name in roles if not name.endswith("-smtps")]


def stored(target: str) -> Run | None:
    """Return the stored run of a target, if it played everything and came to its end."""
    file = RUNS / f"{target}.jsonl"
    try:
        run = read(file)
    except (OSError, StreamError):
        return None
    whole = run.header.get("selection") == ""
    return run if whole and run.footer is not None and run.footer.get("exit") in PLAYED else None


def release(package: str) -> str:
    """Return the version of the software in that of a package: 9.8.7p6 of 1:9.8.7p6+dfsg-5+deb4."""
    found = re.search(r"(?:\d+:)?(?:Python )?(\d+(?:\.\d+)+(?:p\d+)?)", package)
    return found[1] if found else package


def write_one(run: Run, folder: Path, title: str, advisories: Mapping[str, str]) -> None:
    """Write the stream and the report of one target."""
    stream = folder / "run.jsonl.gz"
    before = {result.id: result for result in read(stream).results} if stream.exists() else {}
    shown = steady(published(run, advisories, FLAWS), title)  # first, while rules for every reply name their cases
    results = [_kept(before.get(result.id), result) for result in shown.results]
    if stream.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    shown = replace(shown, results=results)
    write(shown, stream)
    html.write(shown, folder / "index.html")


def steady(run: Run, title: str) -> Run:
    """Return a run without what differs from one time to the next, and without the transcripts of what holds."""
    target = {key: value for key, value in (run.header.get("target") or {}).items() if key not in ("host", "port")}
    header = {key: value for key, value in run.header.items() if key not in ("started", "selection")}
    results = sorted((_steady(result) for result in run.results), key=lambda result: result.id)
    counts: dict[str, int] = {}
    for result in results:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    fails, hidden = counts.get("fail", 0), withheld(run)
    footer = {
        "type": "footer",
        "counts": dict(sorted(counts.items())),
        "exit": (run.footer or {}).get("exit", int(fails > 0)),  # what is withheld counts too
        "exit_reason": plural(fails, "finding")
        + (f", {plural(hidden, 'security finding')} withheld" if hidden else ""),
    }
    header |= {"target": target | {"name": title}, "planned": len(results)}
    return Run(
        header,
        results,
        list(_examples(event for event in run.lints if event.get("id") in {result.id for result in results})),
        [],
        footer,
    )


def _steady(result: Result) -> Result:
    if result.verdict not in SHOWN:
        result = replace(result, transcript=(), about="", meaning="", remedy=None, case_hash="", file="")
    transcript = tuple(map(_without_time, result.transcript))
    reason = _text(_WHERE.sub("", result.reason) if result.id.startswith("lint/") else result.reason)
    return replace(result, reason=reason, transcript=transcript, earlier=(), duration=0.0, attempts=1, line=0)


def _without_time(entry: Event) -> Event:
    return {key: _value(value) for key, value in entry.items() if key != "t"}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    return [_value(item) for item in value] if isinstance(value, list | tuple) else value


def _text(text: str) -> str:
    return _PORT.sub(r"\1:50000", _DATE.sub(_long_ago, _TOKEN.sub("sc-token", text)))


def _long_ago(date: re.Match[str]) -> str:
    """Return a date in the form of another one: that it names the day, and how it writes its zone, may be a finding."""
    zone = date["zone"] if date["zone"] in ("-0000", "GMT", "UTC") else "+0000"
    return f"{'Thu, ' if date['day'] else ''}1 Jan 1970 00:00:00 {zone}"


def _examples(events: Iterable[Event]) -> Iterator[Event]:
    count: dict[str, int] = {}
    for event in sorted(events, key=lambda event: (str(event.get("id")), str(event.get("case")))):
        name = str(event.get("id"))
        count[name] = count.get(name, 0) + 1
        if count[name] <= EXAMPLES:
            yield _without_time(event)


def _kept(before: Result | None, now: Result) -> Result:
    """Return the result that is published already where the new one says the same, else the new one."""
    return now if before is None or _said(before) != _said(now) else before


def _said(result: Result) -> tuple[object, ...]:
    """Return what a reader would notice a change of."""
    names = (*result.requirement, *result.broken, *result.cve)
    reason = "" if result.id.startswith("lint/") else _VARIES.sub("#", result.reason)
    return result.case_hash, result.verdict, result.outcome, result.level, result.severity, names, reason
