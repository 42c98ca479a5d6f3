"""Mail exchangers of a domain (RFC 5321 section 5.1): where its mail goes. Looked up, never gone to unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.resolver import Resolver

LOOKUP_SECONDS = 10.0
"""How long the look-up may take."""


class LookupProblem(Exception):
    """The mail exchangers can't be looked up; says why."""


def resolver(server: str | None = None) -> Resolver:
    """Return a resolver: the system's, or one that asks this server (``address`` or ``address:port``).

    Raises LookupProblem.
    """
    import dns.resolver

    try:
        found = dns.resolver.Resolver(configure=server is None)
        if server is not None:
            address, _, port = server.partition(":") if server.count(":") == 1 else (server, "", "")
            found.nameservers = [address]
            found.port = int(port or 53)
    except (dns.resolver.NoResolverConfiguration, ValueError) as error:
        raise LookupProblem(f"no DNS server to ask: {error}") from None
    found.lifetime = LOOKUP_SECONDS
    return found


def mail_exchangers(domain: str, ask: Resolver) -> list[tuple[int, str]]:
    """Return the preferences and names of a domain's mail exchangers, best first; none where it has no MX record.

    Raises LookupProblem where DNS gives no answer, and for a null MX (RFC 7505).
    """
    import dns.exception
    import dns.resolver

    try:
        answer = ask.resolve(domain, "MX", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise LookupProblem(f"the MX records of {domain} can't be looked up: {error}") from None
    found = sorted((int(record.preference), str(record.exchange).rstrip(".")) for record in answer)
    if found == [(0, "")]:
        raise LookupProblem(f"{domain} takes no mail: it has a null MX (RFC 7505)")
    return found
