"""Real mail servers on loopback, and the suite played against each: see README.md beside this file."""
