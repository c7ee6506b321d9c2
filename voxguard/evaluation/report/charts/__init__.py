"""Drawings, one kind a file: figures in, SVG out, None where there is nothing to draw."""
