"""Federated training on speech with a speaker a client, and what the updates tell about them."""
