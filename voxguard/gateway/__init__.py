"""The proxy in front of an audio LLM: no raw voice passes it."""
