"""``serve``: the reference server on a loopback port, with or without faults."""

from __future__ import annotations

import argparse
import asyncio

from conformance.command.common import tell
from conformance.engine.exit import OK


def main(given: argparse.Namespace) -> int:
    """Serve until interrupted, or print the catalogue of faults; return the exit code."""
    from conformance.reference.faults import catalogue, find

    if given.list_faults:
        for fault in catalogue().values():
            print(f"{fault.name}  {fault.title}  ({', '.join(fault.breaks) or fault.kind})")
        return OK
    try:
        for name in given.fault:
            find(name)
    except LookupError as error:
        return tell(f"{error.args[0]} (smtp-conformance serve --list shows all)")
    try:
        asyncio.run(_serve(given))
    except KeyboardInterrupt:
        print("stopped")
    except OSError as error:
        return tell(f"port {given.port}: {error.strerror}")
    return OK


async def _serve(given: argparse.Namespace) -> None:
    from conformance.reference.serve import serving
    from conformance.reference.site import Site

    site = Site(role="lmtp" if given.lmtp else "mx")
    async with serving(
        site, faults=tuple(given.fault), port=given.port, tls="implicit" if given.tls else "starttls"
    ) as endpoint:
        broken = f", broken by {', '.join(given.fault)}" if given.fault else ""
        print(f"{'LMTP' if given.lmtp else 'SMTP'} on {endpoint.host}:{endpoint.port}{broken}; Ctrl-C stops it")
        print("mailboxes alice@lab.test, bob@lab.test; users alice, bob", flush=True)
        await asyncio.Event().wait()
