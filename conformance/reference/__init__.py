"""The reference server: small, strictly conforming SMTP, submission and LMTP without I/O, and ways to break it.

Where to look: ``table`` for commands, states and replies; ``rules`` for everything that can be otherwise;
``extension/`` for service extensions; ``site`` for names, users and limits; ``server`` for the reader; ``faults/``
for the catalogue of ways to break it; ``serve`` for sockets.
"""

from .actions import Action, Close, Reset, StartTls, Wait
from .server import Server
from .site import Limits, Site, Store, Stored

__all__ = ["Action", "Close", "Limits", "Reset", "Server", "Site", "StartTls", "Store", "Stored", "Wait"]
