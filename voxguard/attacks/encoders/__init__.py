"""Encoders: an utterance becomes a vector in which speakers can be told apart."""

from voxguard.attacks.encoders.base import Encoder, Vectors, create_encoder, encoders

__all__ = ["Encoder", "Vectors", "create_encoder", "encoders"]
