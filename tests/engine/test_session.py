"""A session over a socket."""

import asyncio

import pytest

from conformance.case.catalog import load_catalogue
from conformance.case.pattern import Event, Silence
from conformance.engine.run import setting_for
from conformance.engine.session import Session
from conformance.engine.setting import Setting
from conformance.engine.tls import TlsSettings
from conformance.engine.wire import SocketDialer
from conformance.reference.serve import ServingThread
from conformance.smtp.reply import Reply
from conformance.smtp.transcript import Transcript
from conformance.target import Target


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_session_tickets_are_no_answer(version: str) -> None:
    """TLS records without octets (session tickets) don't end a wait: the next event is the server's reply."""

    async def talk(port: int) -> list[Event]:
        session = Session(1, Transcript(asyncio.get_running_loop().time()))
        await SocketDialer("127.0.0.1", port).connect(session)
        assert (await session.start_tls(TlsSettings(minimum=version, maximum=version), 10)).established
        greeting = await session.event(10)
        session.send(b"NOOP\r\n")
        events = [greeting, await session.event(10), await session.event(0.01)]
        session.hang_up()
        return events

    with ServingThread(tls="implicit") as endpoint:
        greeting, noop, silence = asyncio.run(talk(endpoint.port))
    assert isinstance(greeting, Reply) and greeting.code == 220
    assert isinstance(noop, Reply) and noop.code == 250
    assert isinstance(silence, Silence)


def test_a_connection_that_has_ended_can_be_reset() -> None:
    """The server was quicker: there is nothing left to reset, and that is no error."""

    async def talk(port: int) -> bool:
        session = Session(1, Transcript(asyncio.get_running_loop().time()))
        await SocketDialer("127.0.0.1", port).connect(session)
        await session.event(10)
        session.send(b"QUIT\r\n")
        await session.event(10)
        await session.event(10)
        await asyncio.sleep(0.05)
        session.hang_up("reset")
        return session.over

    with ServingThread() as endpoint:
        assert asyncio.run(talk(endpoint.port))


def test_several_local_addresses() -> None:
    """Each case connects from one of them, the same in each play, and its ``$source_address`` is that one."""

    async def setting() -> Setting:
        return await setting_for(Target(host="127.0.0.1", port=25, sources=("127.0.0.2", "127.8.0.2")))

    common = asyncio.run(setting())
    found = {}
    for case in load_catalogue().cases[:32]:
        own = common.of(case)
        assert isinstance(own.dialer, SocketDialer) and own.dialer == common.of(case).dialer
        assert own.base["source_address"].decode() == own.dialer.source
        found[case.id] = own.dialer.source
    assert set(found.values()) == {"127.0.0.2", "127.8.0.2"}
