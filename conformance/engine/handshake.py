"""``tls:`` and ``certificate:``: a TLS handshake in the dialogue, and a look at what the server showed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.case import model
from conformance.case.model import Certificate, Tls
from conformance.case.pattern import TlsResult
from conformance.engine.outcome import Stop
from conformance.engine.tls import TlsSettings

if TYPE_CHECKING:
    from conformance.engine.player import Play


async def handshake(play: Play, step: Tls) -> None:
    """Shake hands and judge how it went; without alternatives it has to succeed. Raises Stop."""
    session = await play.session(step.session)
    settings = TlsSettings(play.setting.server_name, step.minimum, step.maximum, step.verify)
    result = await session.start_tls(settings, play.timeout)
    if result.here:
        raise Stop("untested", result.detail)
    wanted = model.wanted(step.alternatives)
    for alternative in step.alternatives:
        if alternative.pattern.match(result) is not None:
            good, decides = alternative.verdict in model.GOOD, alternative.verdict not in model.ONWARD
            play.mark(session, wanted, good, decides=decides)
            play.decide(alternative, result)
            return
    if not step.alternatives and result.established:
        return
    play.mark(session, wanted, False, decides=bool(step.alternatives))
    if not step.alternatives:
        raise Stop("inconclusive", f"needed TLS, got {result}")
    raise Stop("unexpected", f"unexpected {result}")


async def certificate(play: Play, step: Certificate) -> None:
    """Look at the certificate of the last handshake. Raises Stop where what is wrong with it decides."""
    session = await play.session(step.session)
    names = {play.values[name].decode("latin-1") for name in ("host", "server", "address")}
    try:
        found = session.certificate(names, play.setting.clock())
    except ValueError as error:
        raise Stop("inconclusive", f"the certificate can't be read: {error}") from None
    for alternative in step.alternatives:
        if alternative.pattern.source in (*found.facts, "any"):
            good, decides = alternative.verdict in model.GOOD, alternative.verdict not in model.ONWARD
            play.mark(session, model.wanted(step.alternatives), good, decides=decides)
            if alternative.verdict not in (*model.ONWARD, "pass"):
                raise Stop(alternative.verdict, f"{play.reason(alternative.reason)}: {found}", alternative)
            play.decide(alternative, TlsResult(True, str(found)))
            return
