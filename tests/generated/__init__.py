"""Pages of the documentation that are made from the code: ``python -m tests.generated`` writes them."""
