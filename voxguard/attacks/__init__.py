"""Attackers: what can still be learnt about a speaker from anonymized speech."""
