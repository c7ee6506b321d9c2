"""Neural networks and their weights. Nothing here imports torch before it is used."""
