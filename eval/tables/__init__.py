"""The tables of README and documentation, from the committed results."""
