"""SMTP without I/O: replies, EHLO keywords, status codes, addresses, lints."""
