"""How the shipped voice converter was trained."""
