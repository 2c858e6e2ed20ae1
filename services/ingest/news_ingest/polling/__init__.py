"""Polling sources' feeds: when, what became of it, and who does it."""
