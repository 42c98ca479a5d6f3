"""The embedded target: the reference server on a loopback port (or in memory), with everything a case may need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.observer import Observer
from conformance.observer.sink import Sink
from conformance.reference.site import Role, Site
from conformance.target import Target


def target_for(site: Site, host: str = "127.0.0.1", port: int = 25) -> Target:
    """Return the target that describes a reference server."""
    return Target(
        host=host,
        port=port,
        name=f"reference server ({host}:{port})",
        role=site.role,
        tls="starttls" if site.role == "submission" else "none",
        recipient="alice@lab.test",
        recipient2="bob@lab.test",
        unknown="nobody@lab.test",
        foreign="someone@elsewhere.test",
        alias="team@lab.test",
        list="staff@lab.test",
        user="alice",
        password=site.users.get("alice"),
        observer={"sink": "the embedded server"},
    )


def observer_for(site: Site) -> Observer:
    """Return the observer that reads what a reference server took."""
    return Sink(site.store, site.outgoing)


@asynccontextmanager
async def embedded(role: Role = "mx") -> AsyncIterator[tuple[Target, Observer]]:
    """Run the reference server while the context lasts; give its target and its observer."""
    from conformance.reference.serve import serving

    site = Site(role=role)
    async with serving(site) as endpoint:
        yield target_for(site, endpoint.host, endpoint.port), observer_for(site)
