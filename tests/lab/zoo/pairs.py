"""The pairs: which server, in which version and configuration, and which case has to convict the bad one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Animal:
    """One server of the zoo."""

    product: str
    """``aiosmtpd`` or ``twisted`` (PyPI), ``smtp-server`` or ``Haraka`` (npm)."""
    version: str
    options: Mapping[str, str] = field(default_factory=dict)
    """What its program is told to do otherwise than its documentation has it."""
    role: str = "mx"

    @property
    def name(self) -> str:
        """What it is called, and its folder."""
        options = "".join(f"-{key}-{value}" for key, value in sorted(self.options.items()))
        return f"{self.product.lower()}-{self.version}{options}{'' if self.role == 'mx' else '-' + self.role}"


@dataclass(frozen=True)
class Pair:
    """A vulnerable server and one that differs from it in the cure."""

    about: str
    """The advisory, or the setting."""
    bad: Animal
    good: Animal
    convicts: tuple[str, ...]
    """Case ids: each fails or warns on the bad one (informs, where it can do no more), and passes on the good one."""
    load: bool = False
    """Whether its cases are of the impact ``load`` or ``crash``: these are played alone."""


AIOSMTPD = "1.4.6"
SMTP_SERVER = "3.21.6"
TWISTED = "26.10.0"

NOT_CURED: Mapping[str, tuple[str, ...]] = {
    "aiosmtpd-1.4.5": ("security/starttls/injected-command[*", "security/starttls/partial-line[*"),  # CVE-2024-34083
    "haraka-3.1.7": ("security/smuggling/*",),  # GHSA-rp4q-8m6x-c43c, as in 3.3.3
    "haraka-3.3.3": ("security/smuggling/*",),
    "smtp-server-3.19.0": ("security/starttls/partial-line[*", "security/starttls/envelope-kept"),  # cured in 3.19.3
}
"""What is known of a version that stands as the good one of a pair for something else: globs over cases."""

PAIRS = (
    Pair(
        "CVE-2024-27305 (GHSA-pr2m-px7j-xg65)",
        Animal("aiosmtpd", "1.4.4"),
        Animal("aiosmtpd", "1.4.5"),
        (
            "security/smuggling/producible[lf-crlf]",
            "security/smuggling/scan[line-feed]",
            "security/smuggling/smuggled-message[lf-crlf]",
        ),
    ),
    Pair(
        "CVE-2024-34083",
        Animal("aiosmtpd", "1.4.5"),
        Animal("aiosmtpd", "1.4.6"),
        (
            "security/starttls/injected-command[noop]",
            "security/starttls/injected-command[hello-and-mail]",
            "security/starttls/injected-command[many]",
            "security/starttls/partial-line[verb]",
            "security/starttls/partial-line[argument]",
        ),
    ),
    Pair(
        "GHSA-rp4q-8m6x-c43c",
        Animal("Haraka", "3.3.3"),
        Animal("Haraka", "3.3.4"),
        (
            "security/smuggling/producible[lf-lf]",
            "security/smuggling/producible[lf-crlf]",
            "security/smuggling/not-producible[crlf-lf]",
            "security/smuggling/smuggled-message[lf-lf]",
            "security/smuggling/smuggled-message[lf-crlf]",
            "security/smuggling/scan[line-feed]",
        ),
    ),
    Pair(
        "passwords without TLS: auth_require_tls=False",
        Animal("aiosmtpd", AIOSMTPD, {"auth": "clear"}),
        Animal("aiosmtpd", AIOSMTPD, {"auth": "tls"}),
        ("security/auth/clear-text-password[plain]", "security/auth/clear-text-password[login]"),
    ),
    Pair(
        "passwords without TLS: allowInsecureAuth",
        Animal("smtp-server", SMTP_SERVER, {"auth": "clear"}),
        Animal("smtp-server", SMTP_SERVER, {"auth": "tls"}),
        ("security/auth/clear-text-password[plain]", "security/auth/clear-text-password[login]"),
    ),
    Pair(
        "passwords without TLS: STARTTLS disabled",
        Animal("smtp-server", SMTP_SERVER, {"auth": "clear", "tls": "none"}),
        Animal("smtp-server", SMTP_SERVER, {"auth": "tls"}),
        ("security/auth/clear-text-password[plain]", "security/auth/clear-text-password[login]"),
    ),
    Pair(
        "passwords without TLS, from loopback and private networks: auth/flat_file",
        Animal("Haraka", "3.3.4"),
        Animal("Haraka", "3.3.4", {"auth": "none"}),
        ("security/auth/clear-text-password[plain]", "security/auth/clear-text-password[login]"),
    ),
    Pair(
        "an open relay",
        Animal("aiosmtpd", AIOSMTPD, {"relay": "open"}),
        Animal("aiosmtpd", AIOSMTPD),
        (
            "security/relay/foreign-recipient[stranger]",
            "security/relay/foreign-recipient[null-path]",
            "security/relay/delivered[stranger]",
            "security/relay/delivered[null-path]",
        ),
    ),
    Pair(
        "an open relay",
        Animal("smtp-server", SMTP_SERVER, {"relay": "open"}),
        Animal("smtp-server", SMTP_SERVER),
        ("security/relay/foreign-recipient[stranger]", "security/relay/delivered[stranger]"),
    ),
    Pair(
        "an open relay",
        Animal("twisted", TWISTED, {"relay": "open"}),
        Animal("twisted", TWISTED),
        (
            "security/relay/foreign-recipient[stranger]",
            "security/relay/foreign-recipient[null-path]",
            "security/relay/delivered[stranger]",
            "security/relay/delivered[null-path]",
        ),
    ),
    Pair(
        "XCLIENT for everybody: useXClient",
        Animal("smtp-server", SMTP_SERVER, {"xclient": "everybody"}),
        Animal("smtp-server", SMTP_SERVER),
        ("security/trusted-verbs/xclient",),
    ),
    Pair(
        "no limit for messages: data_size_limit=None",
        Animal("aiosmtpd", AIOSMTPD, {"size": "none"}),
        Animal("aiosmtpd", AIOSMTPD),
        ("security/disclosure/size-limit",),
    ),
    Pair(
        "the version in the greeting: ident",
        Animal("aiosmtpd", AIOSMTPD),
        Animal("aiosmtpd", AIOSMTPD, {"ident": "ESMTP"}),
        ("security/disclosure/version",),
    ),
    Pair(
        "submission in clear text: require_starttls",
        Animal("aiosmtpd", AIOSMTPD, role="submission"),
        Animal("aiosmtpd", AIOSMTPD, {"starttls": "required"}, role="submission"),
        ("security/auth/submission-in-clear-text",),
    ),
    Pair(
        "old versions of TLS: minimum_version",
        Animal("aiosmtpd", AIOSMTPD, {"tls": "1.0"}),
        Animal("aiosmtpd", AIOSMTPD),
        ("security/tls/old-version[1.0]", "security/tls/old-version[1.1]"),
    ),
    Pair(
        "an expired certificate",
        Animal("aiosmtpd", AIOSMTPD, {"certificate": "expired"}),
        Animal("aiosmtpd", AIOSMTPD),
        ("security/tls/certificate",),
    ),
    Pair(
        "an expired certificate",
        Animal("Haraka", "3.3.4", {"certificate": "expired"}),
        Animal("Haraka", "3.3.4"),
        ("security/tls/certificate",),
    ),
    Pair(
        "a certificate with a key of 1024 bits",
        Animal("smtp-server", SMTP_SERVER, {"certificate": "short"}),
        Animal("smtp-server", SMTP_SERVER),
        ("security/tls/certificate",),
    ),
    Pair(
        "a certificate for another server",
        Animal("aiosmtpd", AIOSMTPD, {"certificate": "other"}),
        Animal("aiosmtpd", AIOSMTPD),
        ("security/tls/certificate-name",),
    ),
    Pair(
        "a certificate that has signed itself",
        Animal("aiosmtpd", AIOSMTPD, {"certificate": "own"}),
        Animal("aiosmtpd", AIOSMTPD),
        ("security/tls/certificate-name",),
    ),
    Pair(
        "a certificate that has signed itself",
        Animal("smtp-server", SMTP_SERVER, {"certificate": "own"}),
        Animal("smtp-server", SMTP_SERVER),
        ("security/tls/certificate-name",),
    ),
    Pair(
        "commands and unknown names without end: command_call_limit",
        Animal("aiosmtpd", AIOSMTPD),
        Animal("aiosmtpd", AIOSMTPD, {"commands": "20"}),
        ("security/limits/idle-commands[noop]", "security/limits/harvest", "security/limits/mistakes[syntax]"),
        load=True,
    ),
    Pair(
        'a command line without end, smtp-server 3.18.3: "limit command line length"',
        Animal("smtp-server", "3.18.2"),
        Animal("smtp-server", "3.18.3"),
        ("security/limits/endless-line[verb]", "security/limits/endless-line[argument]"),
        load=True,
    ),
    Pair(
        "thousands of commands behind STARTTLS, smtp-server 3.19.3 and 3.19.23",
        Animal("smtp-server", "3.19.2"),
        Animal("smtp-server", SMTP_SERVER),
        ("security/starttls/flood",),
        load=True,
    ),
    Pair(
        "dots behind bare line feeds, aiosmtpd 1.4.5",
        Animal("aiosmtpd", "1.4.4"),
        Animal("aiosmtpd", "1.4.5"),
        ("rfc5321/4.5.2-transparency/dot-after-bare-line-end[lf]",),
    ),
    Pair(
        "control characters in addresses, smtp-server 3.19.0",
        Animal("smtp-server", "3.18.5"),
        Animal("smtp-server", "3.19.0"),
        ("security/commands/control-character[bell]",),
    ),
    Pair(
        "STARTTLS with an argument, smtp-server 3.19.0",
        Animal("smtp-server", "3.18.5"),
        Animal("smtp-server", "3.19.0"),
        ("rfc3207-starttls/4-starttls-command/argument-refused",),
    ),
    Pair(
        "what was sent in clear text outlives STARTTLS, smtp-server 3.19.3",
        Animal("smtp-server", "3.19.2"),
        Animal("smtp-server", "3.19.3"),
        (
            "security/starttls/partial-line[verb]",
            "security/starttls/envelope-kept",
        ),
    ),
    Pair(
        "SIZE without a value, smtp-server 3.19.15",
        Animal("smtp-server", "3.19.14"),
        Animal("smtp-server", "3.19.15"),
        ("rfc1870-size/6-mail-command/malformed[none]",),
    ),
    Pair(
        '"align replies with RFC 5321", smtp-server 3.19.21',
        Animal("smtp-server", "3.19.17"),
        Animal("smtp-server", "3.21.1"),
        (
            "rfc1870-size/6-mail-command/malformed[letters]",
            "rfc5321/4.1.1.3-rcpt/postmaster-without-domain[lower]",
            "rfc5321/4.1.1.6-vrfy-expn/argument-needed[vrfy]",
        ),
    ),
    Pair(
        "421 after ten commands, smtp-server 3.13.8",
        Animal("smtp-server", "3.13.0"),
        Animal("smtp-server", "3.13.8"),
        ("rfc5321/4.5.3.1-sizes/hundred-recipients-alike",),
    ),
    Pair(
        "BODY with any value, smtp-server 3.16.0",
        Animal("smtp-server", "3.15.0"),
        Animal("smtp-server", "3.16.0"),
        ("rfc6152-8bitmime/2-keyword-and-parameter/other-body-values[unknown-kind]",),
    ),
    Pair(
        "NUL in the name of EHLO, Haraka 3.1.7",
        Animal("Haraka", "3.1.6"),
        Animal("Haraka", "3.1.7"),
        ("rfc5321/4.1.1.1-ehlo-helo/control-characters[nul]",),
    ),
    Pair(
        "MAIL FROM: without an address, aiosmtpd",
        Animal("aiosmtpd", "1.2.4"),
        Animal("aiosmtpd", "1.3.2"),
        ("rfc5321/4.1.1.2-mail/no-path[colon]",),
    ),
    Pair(
        "MAIL without FROM:, Haraka 3.3.1",
        Animal("Haraka", "3.1.7"),
        Animal("Haraka", "3.3.3"),
        ("rfc5321/4.1.1.2-mail/no-path[no-keyword]",),
    ),
    Pair(
        "MAIL FROM: without an address: strict_rfc1869",
        Animal("Haraka", "3.3.4"),
        Animal("Haraka", "3.3.4", {"syntax": "strict"}),
        ("rfc5321/4.1.1.2-mail/no-path[colon]",),
    ),
    Pair(
        "no base64 gets 500, smtp-server 3.19.21",
        Animal("smtp-server", "3.19.17"),
        Animal("smtp-server", "3.21.1"),
        ("rfc4954-auth/4-auth-command/no-base64[exclamation-mark]",),
    ),
    Pair(
        "a message without a header is lost, Haraka 3.1.4",
        Animal("Haraka", "3.0.3"),
        Animal("Haraka", "3.3.4"),
        ("rfc5321/6.2-unwanted-messages/odd-messages-arrive[text-only]",),
    ),
)
