"""``python -m tests.lab``: real mail servers on loopback.

up [SERVER ...]      install what is missing, start, wait until every port greets
down [SERVER ...]    stop
status               what is there, on which ports
mail SERVER USER     the newest message of alice, bob or someone (mail that was relayed)
run [SERVER ...]     up, play the suite against every target, compare with expectations/, down
publish [SERVER ...] what they answered last, as pages: reports/
zoo [WORD ...]       the security cases against vulnerable and fixed servers
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.lab.check import check
from tests.lab.kit.process import descendants, memory_octets, supervise, supervisor
from tests.lab.kit.server import TARGETS, Server
from tests.lab.servers import load
from tests.lab.up import down, messages, up, version, with_needs


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in ("up", "down", "check", "run", "publish"):
        commands.add_parser(name).add_argument("servers", nargs="*", metavar="SERVER")
    commands.add_parser("status")
    commands.add_parser("zoo").add_argument("words", nargs="*", metavar="WORD")
    mail = commands.add_parser("mail")
    mail.add_argument("server")
    mail.add_argument("user", nargs="?", default="alice")
    commands.add_parser("_serve").add_argument("server")
    playing = commands.choices["run"]
    playing.add_argument("--allow-missing", action="append", default=[], metavar="SERVER", help="don't fail without it")
    playing.add_argument(
        "--update", action="store_true", help="write what is unexpected into expectations/, remove what is stale"
    )
    playing.add_argument("--stored", action="store_true", help="compare the runs played last, without playing")
    playing.add_argument("--keep", action="store_true", help="leave the servers running")
    playing.add_argument("--target", action="append", default=[], metavar="NAME", help="only these targets")
    playing.add_argument("-k", dest="expression", metavar="EXPR", help="only these cases (words in id or title)")
    playing.add_argument("--idle", action="store_true", help="also what waits for minutes: how long sessions may idle")
    playing.add_argument("--times", type=int, default=1, metavar="N", help="play N times: verdicts must stay the same")
    given = parser.parse_args(argv)
    known = load()
    names = getattr(given, "servers", None) or ([given.server] if hasattr(given, "server") else [])
    unknown = [name for name in [*names, *getattr(given, "allow_missing", [])] if name not in known]
    if unknown:
        parser.error(f"{unknown[0]} is no server of the lab: {', '.join(known)}")
    return _do(given, names, known)


def _do(given: argparse.Namespace, names: Sequence[str], known: dict[str, Server]) -> int:
    match given.command:
        case "_serve":
            supervise(known[given.server])
        case "up":
            states = up(with_needs(names))
            print(f"target files: {TARGETS}")
            return 0 if all(state.up or state.absent for state in states.values()) else 1
        case "down":
            return 0 if down([known[name] for name in names or known]) else 1
        case "check":
            kept = [check(known[name]) for name in names or known if supervisor(known[name].home)]
            return 0 if all(kept) else 1
        case "status":
            for server in known.values():
                status(server)
        case "mail":
            found = messages(known[given.server].home.mail / given.user / "Maildir")
            sys.stdout.buffer.write(found[-1] if found else b"")
            return 0 if found else 1
        case "publish":
            from tests.lab.publish import publish

            return publish(names)
        case "zoo":
            from tests.lab.zoo.judge import judge

            return judge(given.words)
        case "run":
            from tests.lab.run import run, stored

            if given.stored:
                return stored(names, update=given.update)
            return run(
                names,
                allow_missing=given.allow_missing,
                update=given.update,
                keep=given.keep,
                only=given.target,
                expression=given.expression,
                idle=given.idle,
                times=given.times,
            )
    return 0


def status(server: Server) -> None:
    """Print one server's state."""
    pid = supervisor(server.home)
    pids = descendants(pid) if pid else []
    state = f"up, {len(pids)} processes, {memory_octets(pids) >> 20} MB" if pids else "down"
    ports = "  ".join(f"{role} {port}" for role, port in server.ports.items())
    print(f"{server.name:12} {version(server.home) or 'not installed':28} {state:28} {ports}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        sys.exit(1)
