"""Speed, side by side in one run (``python -m tests.bench``): ratios to what the sockets cost, never a timed test."""
