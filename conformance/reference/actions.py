"""What the reference server wants its shell to do: octets to send, and five things that are not octets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wait:
    """Let ``seconds`` go by before the actions that follow."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StartTls:
    """Start a TLS handshake; what the client sends from here on is TLS (RFC 3207 section 4)."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection in an orderly way: close_notify where TLS is active, then FIN."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Cut the connection with a TCP reset, which no conforming server does on purpose."""


Action = bytes | Wait | StartTls | Close | Reset


def join(actions: list[Action]) -> list[Action]:
    """Return the actions with neighbouring octets made one, so that grouped replies leave together (RFC 2920 3.2)."""
    joined: list[Action] = []
    for action in actions:
        if isinstance(action, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += action
        else:
            joined.append(action)
    return joined
