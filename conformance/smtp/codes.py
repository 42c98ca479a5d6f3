"""Which reply code may answer which command (RFC 5321 section 4.3.2), as a table.

Section 4.3.2 lists for each command the codes of success and of error; 500, 501 and 421 may answer any. Other sections
of RFC 5321 and the extensions add some. Section 4.3.1 says that the lists SHOULD be adhered to, so a code that is not
in them is a remark, never a failure: clients read the first digit. Where a section fixes one code for one situation
(503 to RCPT without MAIL, 555 to an unknown parameter), a case judges it.

Two pseudo commands stand beside the verbs: ``CONNECT`` is answered by the greeting, ``END-OF-DATA`` is the final dot.
"""

from __future__ import annotations

from collections.abc import Mapping

ANY = frozenset({421, 500, 501})
"""Codes that may answer every command (section 4.3.2)."""

LOGIN_OR_TLS_FIRST = 530
"""May answer every command but those in ``ALWAYS_OPEN`` (RFC 4954 section 6, RFC 3207 section 4)."""

ALWAYS_OPEN = frozenset({"CONNECT", "EHLO", "LHLO", "NOOP", "QUIT", "STARTTLS"})
"""What works before TLS on a server that demands it; before a login, HELO and RSET work too (RFC 4954 section 6)."""

COMMANDS: Mapping[str, frozenset[int]] = {
    # RFC 5321 section 4.3.2; 521: RFC 7504 section 3; 421: section 3.8 ("after the server receives any command").
    "CONNECT": frozenset({220, 521, 554}),
    "EHLO": frozenset({250, 502, 504, 550}),
    "HELO": frozenset({250, 502, 504, 550}),
    "LHLO": frozenset({250, 502, 504, 550}),
    # 554: RFC 6409 sections 4.1 and 4.2.
    "MAIL": frozenset({250, 451, 452, 455, 503, 550, 552, 553, 554, 555}),
    # 556: RFC 7504 section 4; 554: as for MAIL.
    "RCPT": frozenset({250, 251, 450, 451, 452, 455, 503, 550, 551, 552, 553, 554, 555, 556}),
    "DATA": frozenset({354, 503, 554}),
    "END-OF-DATA": frozenset({250, 450, 451, 452, 550, 552, 554}),
    "RSET": frozenset({250}),
    "NOOP": frozenset({250}),
    "QUIT": frozenset({221}),
    "VRFY": frozenset({250, 251, 252, 502, 504, 550, 551, 553}),
    "EXPN": frozenset({250, 252, 502, 504, 550}),
    "HELP": frozenset({211, 214, 502, 504}),
    # RFC 3207 section 4; 502, 503, 554: not offered, active already, not for this client.
    "STARTTLS": frozenset({220, 454, 502, 503, 554}),
    # RFC 4954 sections 4 and 6; 422, 523, 524, 525: RFC 5248.
    "AUTH": frozenset({235, 334, 422, 432, 454, 502, 503, 504, 523, 524, 525, 534, 535, 538}),
    # RFC 3030 section 2: as after DATA.
    "BDAT": frozenset({250, 450, 451, 452, 502, 503, 550, 552, 554}),
    # RFC 1985 section 5.3.
    "ETRN": frozenset({250, 251, 252, 253, 458, 459, 502}),
    # RFC 4468 section 3.
    "BURL": frozenset({250, 452, 502, 503, 504, 550, 552, 554}),
}
"""Verb to the codes that may answer it, beside ``ANY``; a verb that is not listed may get anything."""

FURTHER = frozenset({211, 214, 355, 422, 432, 453, 533})
"""Codes that documents define for situations in which no command above is answered with them (RFC 1845, RFC 5248)."""

KNOWN = frozenset().union(ANY, FURTHER, {LOGIN_OR_TLS_FIRST}, *COMMANDS.values())
"""Every code that RFC 5321 or a registered extension defines."""


def may_answer(verb: str, code: int) -> bool:
    """Return whether the code is in the list of the command; True for commands without a list."""
    listed = COMMANDS.get(verb)
    if listed is None or code in listed or code in ANY:
        return True
    return code == LOGIN_OR_TLS_FIRST and verb not in ALWAYS_OPEN
