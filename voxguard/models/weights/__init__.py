"""Weights that ship with voxguard; read them through :mod:`voxguard.models.shipped`."""
