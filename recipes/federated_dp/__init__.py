"""Federated training with speaker-level DP: what it costs, and what is left in the updates."""
