"""PIPELINING (RFC 2920).

Nothing has to be done for it: the server reads commands from its buffer one by one, whatever segments they came in
(RFC2920-X-01), answers each before it looks at the next (RFC2920-3.2-01, -08), never throws input away
(RFC2920-3.2-09) and puts all its replies to one segment out together (RFC2920-3.2-02, -07).
"""

from . import Extension, always

EXTENSIONS = [Extension("PIPELINING", "RFC 2920", always("PIPELINING"), requirement=("RFC2920-2-01",))]
