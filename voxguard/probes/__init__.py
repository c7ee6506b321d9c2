"""Leak probes for audio LLMs: what a model can tell of a speaker, and what it has memorised.

Each probe asks a model (:mod:`voxguard.audiollm`) about clips as they are and as an anonymizer
makes them, and returns a :class:`~voxguard.probes.document.ProbeDocument`.
"""
