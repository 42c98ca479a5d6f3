"""What the documents are about, for readers who do not know RFCs by number."""

from __future__ import annotations

_SUBJECTS = {
    1123: "Requirements for Internet hosts",
    1846: "Reply code 521",
    1870: "SIZE",
    1985: "ETRN",
    2033: "LMTP",
    2034: "ENHANCEDSTATUSCODES",
    2195: "CRAM-MD5",
    2645: "On-demand relay",
    2852: "DELIVERBY",
    2920: "PIPELINING",
    3030: "CHUNKING and BINARYMIME",
    3207: "STARTTLS",
    3461: "DSN",
    3463: "Enhanced status codes",
    3464: "Delivery status notifications",
    3848: "Transmission types in Received",
    3865: "NO-SOLICITING",
    3885: "Message tracking",
    4141: "Content conversion",
    4405: "SUBMITTER",
    4422: "SASL",
    4468: "BURL",
    4616: "SASL PLAIN",
    4865: "FUTURERELEASE",
    4954: "AUTH",
    5068: "Submission operations",
    5248: "Registry of enhanced status codes",
    5321: "Simple Mail Transfer Protocol",
    5322: "Internet Message Format",
    5802: "SCRAM",
    6152: "8BITMIME",
    6376: "DKIM",
    6409: "Message submission",
    6522: "multipart/report",
    6531: "SMTPUTF8",
    6532: "Internationalized headers",
    6533: "Internationalized notifications",
    6698: "DANE TLSA",
    6710: "MT-PRIORITY",
    7208: "SPF",
    7293: "RRVS",
    7372: "Status codes for authentication failures",
    7489: "DMARC",
    7504: "Reply codes 521 and 556",
    7505: "Null MX",
    7627: "TLS extended master secret",
    7628: "OAUTHBEARER",
    7671: "DANE, updates",
    7672: "DANE for SMTP",
    7677: "SCRAM-SHA-256",
    7817: "TLS server identity",
    8301: "DKIM algorithms",
    8314: "TLS for submission and access",
    8460: "TLS reporting",
    8461: "MTA-STS",
    8463: "Ed25519 for DKIM",
    8601: "Authentication-Results",
    8689: "REQUIRETLS",
    8996: "End of TLS 1.0 and 1.1",
    9325: "Recommendations for TLS",
    9422: "LIMITS",
}


def name(document: str) -> str:
    """Return a document as it is spelled: ``RFC 5321`` for ``RFC5321``."""
    if document == "SEC":
        return "Security"
    return f"RFC {document[3:]}" if document.startswith("RFC") and document[3:].isdecimal() else document


def subject(document: str) -> str:
    """Return what a document is about in a few words, or an empty string."""
    if document == "SEC":
        return "Known attacks"
    number = document[3:]
    return _SUBJECTS.get(int(number), "") if document.startswith("RFC") and number.isdecimal() else ""


def section(number: str) -> str:
    """Return a section as people write it: ``Section 4.5.2``, ``Appendix F.2``; what has no number, as it is."""
    if number.startswith("App"):
        return f"Appendix {number[3:]}"
    return f"Section {number}" if number[:1].isdecimal() else number
