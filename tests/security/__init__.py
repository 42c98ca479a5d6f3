"""Tests of the security cases: what they send, and that they acquit servers that are secure in other ways."""
