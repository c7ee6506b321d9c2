"""Digits and other words recognised by a model trained with differential privacy."""
