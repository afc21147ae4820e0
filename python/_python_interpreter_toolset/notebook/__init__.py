"""Notebook syntax: what is no Python, and what it does."""
