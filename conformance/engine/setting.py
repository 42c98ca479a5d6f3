"""What all plays of a run share: the target, how it is reached, what was learned of it."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from conformance.case import model
from conformance.case.model import Case
from conformance.engine.delivery import Deliveries
from conformance.engine.session import Session
from conformance.engine.wire import SocketDialer
from conformance.observer import Observer
from conformance.target import Target


class Dialer(Protocol):
    """Makes connections."""

    async def connect(self, session: Session) -> None:
        """Connect a session. Raises ConnectError."""
        ...


@dataclass(frozen=True)
class Setting:
    """What all plays of a run share."""

    target: Target
    dialer: Dialer
    observer: Observer | None = None
    deliveries: Deliveries | None = None
    """What the run has seen arrive; None where each play is judged by itself."""
    offers: frozenset[str] | None = None
    """What the sanity dialogue saw offered, in clear or in TLS; None where it has not been asked."""
    address: str = "127.0.0.1"
    server_name: str | None = None
    base: Mapping[str, bytes] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    """Seconds since the epoch: the date that trace fields are compared with."""

    def of(self, case: Case) -> Setting:
        """Return the setting for a case: of several local addresses it has one, the same in each play."""
        sources = self.target.sources
        if len(sources) < 2 or not isinstance(self.dialer, SocketDialer):
            return self
        source = sources[zlib.crc32(case.id.encode()) % len(sources)]
        base = {**self.base, "source_address": source.encode()}
        return replace(self, dialer=replace(self.dialer, source=source), base=base)


def base_values(target: Target, address: str, source_address: str) -> dict[str, bytes]:
    """Return the variables that are the same in every play."""
    values: dict[str, bytes] = {
        "client": target.client.encode(),
        "host": target.host.encode(),
        "server": target.host.encode(),
        "port": str(target.port).encode(),
        "address": address.encode(),
        "address_literal": f"[IPv6:{address}]".encode() if ":" in address else f"[{address}]".encode(),
        "source_address": source_address.encode(),
        "user": (target.user or "").encode(),
        "password": (target.password or "").encode(),
    }
    for name in model.ADDRESS_VARIABLES:
        text = getattr(target, name)
        if text is None and name == "recipient":
            text = "postmaster"
        if text is None:
            continue
        local, _, domain = text.rpartition("@") if "@" in text else (text, "", "")
        values[name] = text.encode()
        values[f"{name}_local"], values[f"{name}_domain"] = local.encode(), domain.encode()
        values[f"{name}_local_upper"], values[f"{name}_domain_upper"] = local.upper().encode(), domain.upper().encode()
    return values
