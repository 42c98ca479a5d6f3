"""The engine: plays the dialogues of cases against a target and says what happened."""
