"""SASL mechanisms (RFC 4422) as dialogues without I/O."""

from typing import Protocol


class Exchange(Protocol):
    """An authentication exchange that waits for the next response."""
