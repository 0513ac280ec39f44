"""API keys: who calls, what a key is limited to, and how keys are issued, rotated and revoked."""
