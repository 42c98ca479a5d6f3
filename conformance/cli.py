"""The command line: arguments in, one command called, an exit code out. The commands are in ``conformance.command``."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence

from conformance import __version__

EXIT_CODES = """\
exit codes: 0 conforms (within --fail-on), 1 findings, 2 interrupted, 3 error in the suite,
4 usage or a bad file, 5 nothing was played, 6 target not reachable or not SMTP"""

IMPACTS = ("session", "mail", "relay", "load", "crash")
TARGET_HELP = "host, host:port, [v6]:port, smtp://, smtps://, submission://, lmtp://, unix:/path, or a target.yaml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 4
    module = importlib.import_module(f"conformance.command.{given.module}")
    try:
        return int(module.main(given))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """Exits with 4 on a usage error, as the exit codes say, with one line that says where help is."""

    def error(self, message: str) -> None:  # type: ignore[override]
        wrong = re.match(r"argument (\S+): invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong:
            from difflib import get_close_matches

            choices = re.findall(r"[\w-]+", wrong[3])
            near = get_close_matches(wrong[2], choices, n=1)
            what = f"there is no command {wrong[2]!r}" if wrong[1] == "COMMAND" else f"{wrong[1]} {wrong[2]}"
            message = f"{what}: did you mean {near[0]!r}?" if near else f"{what}: it is one of {', '.join(choices)}"
        self.exit(4, f"{self.prog}: {message} ({self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="smtp-conformance",
        description="Play SMTP dialogues against a mail server and report, requirement by requirement, what holds.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"smtp-conformance {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, text: str, module: str | None = None) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(module=module or name)
        return sub

    run = command("run", "play cases against a server (no target: against the embedded reference server)")
    _target(run)
    _selection(run)
    _running(run)
    audit = command(
        "audit", "audit a production server: careful, nothing is delivered unless --impact allows it", "run"
    )
    _target(audit)
    _selection(audit)
    _running(audit)
    audit.add_argument("--resolver", metavar="IP[:PORT]", help="the DNS server to ask (default: the system's)")

    doctor = command("doctor", "check that a target can be tested as described: DNS, TCP, greeting, EHLO, addresses")
    _target(doctor, required=True)
    doctor.add_argument("--impact", choices=IMPACTS, help="mail (default on loopback): send the recipient one message")
    init = command("init", "look at a live server and write a commented target file")
    _target(init, required=True)
    init.add_argument("--output", "-o", metavar="FILE", help="write here (default: standard output)")

    report = command("report", "make reports of a stored result stream, or the matrix of several")
    report.add_argument("streams", nargs="+", metavar="RUN.jsonl", help="what run --out wrote; .gz is unpacked")
    _reports(report, stream=False)
    report.add_argument("--matrix", metavar="FILE", help="a page of requirements by server, from all streams given")
    report.add_argument("--out", metavar="FILE", help="the stream itself, as judged and published; .gz is packed")
    report.add_argument("--profile", default=None, help="judge under another profile: interop, strict, or a file")
    report.add_argument(
        "--published", action="store_true", help="count security findings that are not public instead of showing them"
    )
    report.add_argument(
        "--advisory", action="append", default=[], metavar="CASE=ID", help="for --published: this finding is public"
    )
    diff = command("diff", "say what changed from one run to another: new findings, what was fixed")
    diff.add_argument("before", metavar="A.jsonl")
    diff.add_argument("after", metavar="B.jsonl")

    listing = command("list", "list cases, with what playing them does to the target")
    listing.add_argument("--folder", action="store_true", help="print only the folder that the product's cases are in")
    _paths(listing)
    _selection(listing)
    show = command("show", "show a case: its dialogue, its requirement and the reason of each alternative")
    show.add_argument("case", metavar="CASE")
    _paths(show)
    explain = command("explain", "say in English what a case does, or what a requirement asks")
    explain.add_argument("case", metavar="CASE|REQUIREMENT")
    _paths(explain)
    lint = command("lint", "check suite files: syntax, keys, requirement ids")
    lint.add_argument("paths", nargs="*", metavar="PATH", help="files or folders (default: the product's own cases)")
    coverage = command("coverage", "the ledger: which requirements are tested, by document and section")
    coverage.add_argument("document", nargs="?", metavar="RFC5321[-4.5.2]", help="one document, or a section of it")
    coverage.add_argument("--open", action="store_true", help="only what is neither tested nor excluded")
    coverage.add_argument("--html", metavar="FILE", help="write a page: each requirement with its cases and faults")
    coverage.add_argument(
        "--run", dest="runs", action="append", default=[], metavar="RUN.jsonl", help="for --html: the state on a server"
    )
    _paths(coverage)
    schema = command("schema", "print the JSON Schema of suite files, target files or the result stream")
    schema.add_argument("what", nargs="?", default="suite", choices=("suite", "target", "stream"))
    serve = command("serve", "run the reference server, with or without faults, for people and for testing clients")
    serve.add_argument("--port", type=int, default=2525, help="port on 127.0.0.1 (0: any; default 2525)")
    serve.add_argument("--fault", action="append", default=[], metavar="NAME", help="break it in this way; repeatable")
    serve.add_argument("--lmtp", action="store_true", help="speak LMTP")
    serve.add_argument("--tls", action="store_true", help="implicit TLS")
    serve.add_argument("--list", action="store_true", dest="list_faults", help="print the catalogue of faults")
    return parser


def _target(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("target", nargs=None if required else "?", metavar="TARGET", help=TARGET_HELP)
    group = parser.add_argument_group("what is known of the target")
    for name, text in (
        ("recipient", "an address that is accepted"),
        ("recipient2", "a second address that is accepted"),
        ("unknown", "an address in a local domain that does not exist"),
        ("foreign", "an address elsewhere that must not be relayed to"),
        ("alias", "an alias of recipient and recipient2"),
        ("list", "a mailing list of recipient and recipient2, to which anybody may write"),
        ("sender", "our reverse-path"),
    ):
        group.add_argument(f"--{name}", metavar="ADDRESS", help=text)
    group.add_argument("--client", metavar="NAME", help="our EHLO name")
    group.add_argument("--source", metavar="IP", help="local address to connect from; IP,IP,...: cases are shared out")
    group.add_argument("--role", choices=("mx", "submission", "relay", "lmtp"))
    group.add_argument("--tls", choices=("none", "starttls", "implicit"))
    group.add_argument("--user", metavar="NAME")
    group.add_argument("--password-env", metavar="VARIABLE", help="the environment variable that holds the password")
    group.add_argument(
        "--observer",
        metavar="KIND:WHERE",
        action="append",
        help="maildir:PATH or mbox:PATH ({local}: the local part); sink:HOST:PORT, where the target relays to",
    )


def _paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cases", action="append", default=[], metavar="PATH", help="suite files or folders of your own"
    )


def _selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which cases")
    group.add_argument("-k", dest="expression", metavar="EXPR", help="words in id or title: 'dot and not bare'")
    group.add_argument("-m", dest="tags", action="append", default=[], metavar="TAG", help="a tag or folder: security")
    group.add_argument(
        "--case", dest="ids", action="append", default=[], metavar="ID", help="an id, a prefix or a glob"
    )
    group.add_argument("--spec", dest="specs", action="append", default=[], metavar="RFC5321[-4.5.2]")
    group.add_argument("--level", dest="levels", action="append", default=[], choices=("must", "should", "may"))
    if not any(action.dest == "cases" for action in parser._actions):
        _paths(parser)


def _running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--impact",
        choices=IMPACTS,
        help="the most that may happen to the target (default: mail on loopback, session elsewhere)",
    )
    group.add_argument("--profile", default="interop", help="interop (default), strict, or a file")
    group.add_argument("--jobs", type=int, metavar="N", help="sessions at once")
    group.add_argument("--timeout", type=float, metavar="S", help="how long a reply may take, in seconds")
    group.add_argument(
        "--fail-on", metavar="WHAT", help="must (default), should, high ..., untested, inconclusive, none"
    )
    group.add_argument("--baseline", metavar="FILE", help="known deviations; a stale entry fails the run")
    group.add_argument("--baseline-update", action="store_true", help="write what was found into the baseline")
    group.add_argument("-q", "--quiet", action="store_true", help="only the summary")
    _reports(parser, stream=True)


def _reports(parser: argparse.ArgumentParser, *, stream: bool) -> None:
    group = parser.add_argument_group("reports")
    if stream:
        group.add_argument(
            "--out", metavar="FILE", help="the result stream (JSON Lines); every report can be made of it"
        )
    for name in ("html", "junit", "sarif", "markdown", "badge"):
        group.add_argument(f"--{name}", metavar="FILE")
