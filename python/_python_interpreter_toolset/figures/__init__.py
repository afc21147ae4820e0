"""Figures of matplotlib: as images, and as data."""
