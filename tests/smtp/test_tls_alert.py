"""What comes after 220 to STARTTLS is TLS, not replies."""

from conformance.smtp.lint import Context, findings
from conformance.smtp.reply import ReplyParser


def test_a_tls_alert_breaks_no_lint() -> None:
    """Exim and Courier answer clear text with a TLS alert, whose last octet may be 10."""
    (alert,) = ReplyParser().feed(b"\x15\x03\x01\x00\x02\x02\x0a")
    assert findings(alert, Context("NOOP")) == []


def test_other_octets_are_still_looked_at() -> None:
    """Octets that are no TLS alert are judged as the reply that they should be."""
    (reply,) = ReplyParser().feed(b"\x15\x03250 OK\r\n")
    assert {lint.name for lint, _ in findings(reply, Context("NOOP"))} == {"grammar", "text-octets"}
