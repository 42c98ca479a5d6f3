"""Requirements: the registry of normative statements (data) and the ledger of which are tested."""
