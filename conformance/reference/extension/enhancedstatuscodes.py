"""ENHANCEDSTATUSCODES (RFC 2034): the codes stand in every reply of this server; see ``reply``."""

from . import Extension, always

EXTENSIONS = [
    Extension("ENHANCEDSTATUSCODES", "RFC 2034", always("ENHANCEDSTATUSCODES"), requirement=("RFC2034-3-01",))
]
