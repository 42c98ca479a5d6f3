"""VRFY, EXPN and HELP in the EHLO list: EXPN and HELP must be there, VRFY may."""

from . import Extension, always

EXTENSIONS = [
    Extension("VRFY", "RFC 5321 section 3.5.2", always("VRFY"), requirement=("RFC5321-3.5.2-09",)),
    Extension("EXPN", "RFC 5321 section 3.5.2", always("EXPN"), requirement=("RFC5321-3.5.2-08",)),
    Extension("HELP", "RFC 5321 section 4.1.1.8", always("HELP"), requirement=("RFC5321-4.1.1.1-19",)),
]
