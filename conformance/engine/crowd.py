"""Many sessions of one client at once (RFC 5321 section 7.8): opened together, greeted or not, and given back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.engine.session import Session
from conformance.engine.tls import TlsSettings
from conformance.engine.wire import ConnectError

if TYPE_CHECKING:
    from conformance.engine.player import Play

FIRST = 100
"""The number of the first session of a crowd."""

SECONDS = 5.0
"""How long they wait for their greetings."""


async def crowd(play: Play, sessions: int) -> None:
    """Open so many sessions more, all at once, and read what greets them; with none they hang up."""
    if not sessions:
        for number in [number for number in play.sessions if number >= FIRST]:
            play.sessions.pop(number).hang_up()
    await asyncio.gather(*(_one_more(play, FIRST + index) for index in range(sessions)))


async def _one_more(play: Play, number: int) -> None:
    """Open a session; that it is not taken, or not greeted, is for the dialogue to find out."""
    session = Session(number, play.transcript)
    target = play.setting.target
    try:
        await play.setting.dialer.connect(session)
    except ConnectError as error:
        play.transcript.add(play.loop.time(), number, "refused", detail=str(error))
        return
    play.sessions[number] = session
    play.transcript.add(play.loop.time(), number, "connect", detail=target.label)
    play.commands[number], play.owed[number] = "CONNECT", 1
    if target.tls == "implicit":
        await session.start_tls(TlsSettings(play.setting.server_name), play.timeout)
    await play.event(session, min(SECONDS, play.timeout))
