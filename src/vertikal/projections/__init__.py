"""What it means: read models, the ledger they post to, and the indicators that read it."""
