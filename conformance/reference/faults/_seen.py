"""Names of the products in which faults were measured, for ``seen_in``."""

POSTFIX = "Postfix 3.10"
EXIM = "Exim 4.98"
SENDMAIL = "sendmail 8.18"
OPENSMTPD = "OpenSMTPD 7.6"
QPSMTPD = "qpsmtpd 0.94"
CHASQUID = "chasquid 1.15"
AIOSMTPD = "aiosmtpd 1.4.6"
SMTP_SERVER = "smtp-server 3.21 (npm)"
JAMES = "Apache James 3.8.1"
ALL = (POSTFIX, EXIM, SENDMAIL, OPENSMTPD, QPSMTPD, CHASQUID, AIOSMTPD, SMTP_SERVER)
