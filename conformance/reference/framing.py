"""Where a command line ends, where mail data ends, and transparency (RFC 5321 sections 2.3.8, 4.1.1.4 and 4.5.2)."""


def find_line(octets: bytearray, start: int) -> tuple[int, int] | None:
    """Return the end of the first line and the start of the next one: only CRLF ends a line (RFC5321-2.3.8-01, -02)."""
    end = octets.find(b"\r\n", start)
    return None if end < 0 else (end, end + 2)


def split_line(line: bytes) -> tuple[bytes, bytes]:
    """Return the verb of a command line in upper case (RFC5321-2.4-02) and what follows the space behind it.

    White space at the end of the line is tolerated (RFC5321-4.1.1-01).
    """
    verb, _, argument = line.rstrip(b" \t").partition(b" ")
    return verb.upper(), argument


def find_end(octets: bytearray, start: int) -> tuple[int, int] | None:
    """Return the end of the mail data and the start of what follows it.

    ``octets`` begins with the CRLF of the DATA command, which counts as the first one of the end of mail data
    indication (RFC5321-4.1.1.4-13). Only CRLF "." CRLF ends it (RFC5321-4.1.1.4-06 to -12).
    """
    end = octets.find(b"\r\n.\r\n", start)
    return None if end < 0 else (end + 2, end + 5)


def unstuff(text: bytes) -> bytes:
    """Delete the first dot of each line that starts with one (RFC5321-4.5.2-01); lines end with CRLF only (-05)."""
    if text.startswith(b"."):
        text = text[1:]
    return text.replace(b"\r\n.", b"\r\n")
