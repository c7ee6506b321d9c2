"""A small audio LLM, trained from scratch."""
