"""``python -m tests.lab zoo``: servers of which it is known that they are vulnerable, or are not.

Pairs of versions on both sides of a published fix, and pairs of configurations. The security cases must convict the
first of each pair and acquit the second: that is the ground truth that they are measured against. Nothing is
named here that has no public advisory.
"""
