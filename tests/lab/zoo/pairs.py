"""The pairs: which server, in which version and configuration, and which case has to convict the bad one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Animal:
    """One server of the zoo."""

    product: str
    """``aiosmtpd`` (PyPI), ``smtp-server`` or ``Haraka`` (npm)."""
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


AIOSMTPD = "1.4.6"
SMTP_SERVER = "3.21.6"

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
)
