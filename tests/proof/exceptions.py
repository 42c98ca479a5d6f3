"""Cases whose verdict on a degenerate server is right, though the rule of the test would doubt it; each with why."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

REFUSING: Mapping[str, str] = {
    "rfc5321/2.3.8-lines/*": "the line is no command, so that a refusal is in order, whatever its reason",
    "rfc5321/2.4-syntax-and-octets/empty-line": "a refusal is the answer to an empty line, whatever its reason",
    "rfc5321/2.4-syntax-and-octets/leading-space": "a refusal is the answer to such a line, whatever its reason",
    "rfc5321/2.4-syntax-and-octets/eight-bit-argument*": "a refusal is the answer to such a line, whatever its reason",
    "rfc1123/5.2-smtp/recipient-reply-in-time*": "when the answer comes is what counts",
    "rfc5321/3.1-session-initiation/*": "the greeting is all that is asked about, or what a server does that refuses",
    "rfc5321/3.5-vrfy-expn/*": "what is asked is that nothing is confirmed, or that the command is known",
    "rfc5321/3.8-terminating-sessions/*": "that the connection stays is all that is asked",
    "rfc6531-smtputf8/3.3-addresses/replies-stay-ascii*": "what counts is the octets of the answer",
    "rfc5321/4.1.1.1-ehlo-helo/listed-commands-work*": "any answer but 500 and 502 is right",
    "rfc5321/4.1.1.1-ehlo-helo/working-commands-are-listed*": "a command that is refused need not be listed",
    "rfc5321/4.1.4-order-of-commands/any-time*": "any answer but 503 is right",
    "rfc5321/4.1.5-private-commands/*": "a refusal is the answer to such a command, whatever its reason",
    "rfc5321/4.2-replies/*": "what counts is how many answers come, and that they end",
    "rfc5321/4.5.3.1-sizes/line-is-one-command*": "what counts is how many answers come",
    "rfc5321/4.5.3.1-sizes/reply-line*": "what counts is how long the answer is",
    "rfc5321/4.5.3.1-sizes/far-beyond-limits*": "what counts is that there is an answer, and that others are served",
    "rfc5321/4.5.1-minimum-implementation/required-commands*": "any answer but 500 and 502 is right",
    "rfc7504-521/3-greeting/*": "the server refuses everybody, and may close the connection",
    "rfc5321/2.3.5-domain-names/own-name-*": "the greeting was read, whatever comes behind it",
    "rfc6409-submission/3-submission/greeting": "the greeting was read, whatever comes behind it",
    "rfc6409-submission/3-submission/no-return-path": "a refusal is what is asked for, whatever its reason",
    "rfc6409-submission/4-mandatory-actions/authentication-required": (
        "a refusal is what is asked for, whatever its reason"
    ),
    "security/relay/submission-without-login": "who takes nothing relays nothing, whatever the reason",
    "security/trusted-verbs/*": "a door that does not open is shut, whatever the reason",
    "security/starttls/envelope-kept": "who takes no mail in clear text keeps no envelope from it",
    "security/disclosure/version": "the greeting is all that is asked about",
    "security/auth/*": "who lets nobody in lets no stranger in, whatever the reason",
    "security/limits/open-session*": "that another session is greeted is all that is asked",
    "security/limits/patience": "that the session stays is all that is asked",
    "security/limits/mistakes*": "how often it refuses is what counts, whatever the reason",
    "security/reflection/*": "what counts is what the answer repeats",
    "security/cross-protocol/*": "who refuses every line runs none",
    "rfc5321/4.1.2-argument-syntax/string*": "any answer but 501 is right",
    "rfc5322-message/3-added-fields/no-line-ends-from-the-client": "a refusal keeps the octets out",
}
"""Verdicts on servers that refuse."""

ACCEPTING: Mapping[str, str] = {
    "security/timing/rcpt": "what counts is how long the answer takes",
    "rfc2920-pipelining/3-command-groups/replies-not-held-back*": "when the answer comes is what counts",
    "rfc6531-smtputf8/3.3-addresses/replies-stay-ascii*": "what counts is the octets of the answer",
    "rfc6531-smtputf8/3.3-addresses/recipient": "it may exist: what counts is that it is no syntax error",
    "rfc5321/3.6.3-undeliverable-mail/notification": "what it accepts is neither delivered nor reported",
    "rfc5321/4.1.2-argument-syntax/string*": "any answer but 501 is right",
    "rfc1123/5.2-smtp/*": "when the answer comes is what counts, or that an address was read",
    "rfc5321/3.3-mail-transactions/recipient-refused-after-the-text": (
        "who accepts the message and tells the sender later does what the RFC asks for"
    ),
    "rfc5321/2.3.8-lines/*": "either answer to such a line is in order: what counts is how many answers come",
    "rfc5321/3.8-terminating-sessions/errors-end-nothing*": "that the connection stays is all that is asked",
    "rfc5321/3.9-lists-and-aliases/*": "it knows neither alias nor list, and what it accepts for them reaches nobody",
    "rfc5321/4.1.1.6-vrfy-expn/no-effect*": "what VRFY answers does not matter, but what it does to the transaction",
    "rfc5321/4.1.4-order-of-commands/mail-before-ehlo": "the server may take it: it is the client that breaks the rule",
    "rfc5321/4.2-replies/one-reply-each*": "what counts is how many answers come",
    "rfc5321/4.5.3.1-sizes/line-is-one-command*": "longer lines may be taken: what counts is how many answers come",
    "rfc5321/4.5.3.1-sizes/reply-line*": "what counts is how long the answer is",
    "rfc5321/4.5.3.1-sizes/*beyond-limit*": "a server may take more than the limits ask for",
    "rfc5321/4.5.3.1-sizes/local-part-of-recipient*": "it may exist: what counts is that it is no syntax error",
    "rfc5321/4.5.3.1-sizes/path-of-recipient*": "a server may relay it: what counts is that it is no syntax error",
    "rfc5321/4.5.3.1-sizes/accepted-recipients-stay": "a server may take more than 100 recipients",
    "security/smuggling/long-line*": "to keep a line that is too long is as secure as to refuse it",
    "security/limits/open-session*": "that another session is greeted is all that is asked",
    "security/limits/flood*": "that another session is greeted is all that is asked",
    "security/reflection/*": "what counts is what the answer repeats",
    "security/outbound/own-end*": "such a message may go out: what counts is that it goes out whole",
    "security/limits/patience": "that the session stays is all that is asked",
    "rfc5321/6.1-reliable-delivery/no-notice-to-header-addresses*": "a message that is delivered needs no notice",
    "rfc5321/2.3.10-relay/return-path-left-alone": "this server delivers what a relay passes on",
}
"""Verdicts on the server that accepts everything."""


def excused(found: Mapping[str, str], exceptions: Mapping[str, str]) -> dict[str, str]:
    """Return what none of the exceptions names."""
    return {
        case: text
        for case, text in found.items()
        if not any(fnmatchcase(case.replace("[", "("), glob.replace("[", "(")) for glob in exceptions)
    }
