"""The Python side of python-interpreter-toolset: the keeper and the worker.

Runs in the user's own environment: only the standard library and pyzmq may be imported. The
unusual package name keeps clear of names that user code may import.
"""
