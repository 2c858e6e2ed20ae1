"""Counts out, over HTTP."""
