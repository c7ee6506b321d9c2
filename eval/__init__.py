"""Evaluations on named data: protocols, a thin runner, committed results and their table."""
