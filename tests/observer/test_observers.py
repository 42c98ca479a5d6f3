"""Observers find the messages of one play in a recipient's mailbox, as the recipient has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.observer import MAX_MESSAGE_OCTETS, Message, ObserverError, open_observer, place
from conformance.observer.maildir import Maildir
from conformance.observer.mbox import Mbox, split
from conformance.observer.sink import Sink
from conformance.reference.site import Store, Stored

TOKEN = b"sc-0123456789abcdef0123"
OTHER = b"sc-ffffffffffffffffffff"


def message(token: bytes, body: bytes = b"text\n") -> bytes:
    """Return a message with a token."""
    return b"Return-Path: <sender@example.net>\nSubject: test " + token + b"\n\n" + body


def maildir(root: Path) -> Path:
    """Make a Maildir."""
    for name in ("tmp", "new", "cur"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return root


class TestMaildir:
    def test_new_and_read_messages_are_found(self, tmp_path: Path) -> None:
        """In new and in cur, by token, with the reverse-path; what is half written in tmp is not."""
        box = maildir(tmp_path / "alice")
        (box / "new" / "1.host").write_bytes(message(TOKEN))
        (box / "cur" / "2.host:2,S").write_bytes(message(TOKEN, b"second\n"))
        (box / "cur" / "3.host:2,").write_bytes(message(OTHER))
        (box / "tmp" / "4.host").write_bytes(message(TOKEN))
        found = Maildir(f"{tmp_path}/{{local}}").find(TOKEN, "alice@lab.test")
        assert sorted(found, key=lambda item: item.octets) == [
            Message(message(TOKEN, b"second\n"), b"sender@example.net"),
            Message(message(TOKEN), b"sender@example.net"),
        ]

    def test_message_that_is_moved_is_not_found_twice(self, tmp_path: Path) -> None:
        """A mail reader moves messages from new to cur."""
        box = maildir(tmp_path)
        (box / "new" / "1.host").write_bytes(message(TOKEN))
        observer = Maildir(str(tmp_path))
        assert len(observer.find(TOKEN, "alice@lab.test")) == 1
        (box / "new" / "1.host").rename(box / "cur" / "1.host:2,S")
        assert len(observer.find(TOKEN, "alice@lab.test")) == 1

    def test_later_messages_are_found(self, tmp_path: Path) -> None:
        """Each look sees what has come since."""
        box = maildir(tmp_path)
        observer = Maildir(str(tmp_path))
        assert observer.find(TOKEN, "alice@lab.test") == []
        (box / "new" / "1.host").write_bytes(message(TOKEN))
        assert len(observer.find(TOKEN, "alice@lab.test")) == 1

    def test_mailbox_that_is_not_there_is_empty(self, tmp_path: Path) -> None:
        """It may come with the first message."""
        assert Maildir(f"{tmp_path}/{{local}}").find(TOKEN, "alice@lab.test") == []

    def test_folder_of_files_works_too(self, tmp_path: Path) -> None:
        """Some servers write one file a message into a folder; hidden files are not messages."""
        (tmp_path / "a.eml").write_bytes(message(TOKEN))
        (tmp_path / ".lock").write_bytes(message(TOKEN))
        assert len(Maildir(str(tmp_path)).find(TOKEN, "alice@lab.test")) == 1

    def test_large_message_is_read_in_part(self, tmp_path: Path) -> None:
        """Memory is bounded."""
        box = maildir(tmp_path)
        with (box / "new" / "1.host").open("wb") as file:
            file.write(message(TOKEN))
            file.truncate(MAX_MESSAGE_OCTETS + 1000)
        (found,) = Maildir(str(tmp_path)).find(TOKEN, "alice@lab.test")
        assert len(found.octets) == MAX_MESSAGE_OCTETS

    def test_message_without_return_path(self, tmp_path: Path) -> None:
        """The reverse-path is unknown; a Return-Path in the body is none."""
        box = maildir(tmp_path)
        (box / "new" / "1.host").write_bytes(b"Subject: " + TOKEN + b"\n\nReturn-Path: <x@y.test>\n")
        (found,) = Maildir(str(tmp_path)).find(TOKEN, "alice@lab.test")
        assert found.sender is None


class TestMbox:
    def test_messages_are_parted_and_unquoted(self, tmp_path: Path) -> None:
        """``From `` lines part messages, ``>From `` is what quoting made."""
        file = tmp_path / "alice"
        file.write_bytes(
            b"From sender@example.net Thu Nov 26 00:00:00 2026\n"
            + message(TOKEN, b"one\n\n>From here on\n>>From there\n")
            + b"\nFrom MAILER-DAEMON Thu Nov 26 00:00:00 2026\n"
            + message(OTHER)
            + b"\n"
        )
        found = Mbox(f"{tmp_path}/{{local}}").find(TOKEN, "alice@lab.test")
        assert found == [Message(message(TOKEN, b"one\n\nFrom here on\n>From there\n"), b"sender@example.net")]

    def test_file_that_grows_is_read_again(self, tmp_path: Path) -> None:
        """Each look sees what has come since; an unchanged file is not read again."""
        file = tmp_path / "box"
        observer = Mbox(str(file))
        assert observer.find(TOKEN, "alice@lab.test") == []
        file.write_bytes(b"From x\n" + message(TOKEN) + b"\n")
        assert len(observer.find(TOKEN, "alice@lab.test")) == 1
        with file.open("ab") as more:
            more.write(b"From x\n" + message(TOKEN) + b"\n")
        assert len(observer.find(TOKEN, "alice@lab.test")) == 2

    def test_folder_is_no_mbox(self, tmp_path: Path) -> None:
        """What can't be read is told."""
        with pytest.raises(ObserverError, match=str(tmp_path)):
            Mbox(str(tmp_path)).find(TOKEN, "alice@lab.test")

    @given(
        st.lists(st.lists(st.sampled_from([b"text", b"From here", b">From there", b"", b"."]), min_size=1), max_size=5)
    )
    def test_what_is_written_is_read(self, bodies: list[list[bytes]]) -> None:
        """Whatever messages an mbox holds (mboxrd quoting), they come back as they were."""
        messages = [b"Subject: x\n\n" + b"\n".join(lines) + b"\n" for lines in bodies]

        def quoted(octets: bytes) -> bytes:
            lines = octets.split(b"\n")
            return b"\n".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines)

        assert split(b"".join(b"From x\n" + quoted(octets) + b"\n" for octets in messages)) == messages


class TestSink:
    def test_messages_of_both_stores_by_recipient(self) -> None:
        """What was delivered and what would go on, in any case of the address."""
        here, onward = Store(), Store()
        here.add(Stored("sender@example.net", ("alice@lab.test",), message(TOKEN)))
        onward.add(Stored("", ("Someone@Elsewhere.test",), message(TOKEN)))
        sink = Sink(here, onward)
        delivered = Message(message(TOKEN), b"sender@example.net", b"alice@lab.test", b"MAIL\nRCPT", verbatim=True)
        relayed = Message(message(TOKEN), b"", b"Someone@Elsewhere.test", b"MAIL\nRCPT", verbatim=True)
        assert sink.find(TOKEN, "ALICE@lab.test") == [delivered]
        assert sink.find(TOKEN, "someone@elsewhere.test") == [relayed]
        assert sink.find(OTHER, "alice@lab.test") == []


def test_place_can_not_leave_its_folder() -> None:
    """A slash in an address is no way out."""
    assert place("/mail/{domain}/{local}", "../../etc/passwd@lab.test") == "/mail/lab.test/.._.._etc_passwd"
    assert place("/mail/{address}", "alice@lab.test") == "/mail/alice@lab.test"


def test_unknown_observer() -> None:
    """What there is is told."""
    with pytest.raises(ObserverError, match="no observer is named 'imapp': maildir, mbox"):
        open_observer("imapp", "x")
