"""xtext, the encoding of parameter values (RFC 3461 section 4, RFC 4954 section 5)."""

import re

_STRICT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*").fullmatch
_ANY_CASE = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*").fullmatch
_HEXCHAR = re.compile(r"\+([0-9A-Fa-f]{2})")


def decode(text: str, *, any_case: bool = False) -> str | None:
    """Return what xtext stands for, None if it is not xtext.

    RFC 3461 wants upper-case digits (RFC3461-4-01), RFC 4954 takes either case.
    """
    if not (_ANY_CASE if any_case else _STRICT)(text):
        return None
    return _HEXCHAR.sub(lambda found: chr(int(found[1], 16)), text)
