"""Self-contained how-to projects on voxguard."""
