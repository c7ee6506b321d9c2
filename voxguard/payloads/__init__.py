"""Requests to audio LLMs: where the audio is in them, and where it must not be."""
