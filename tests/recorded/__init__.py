"""Dialogues with real servers, recorded in the lab and played again without them: verdicts stay as checked in."""
