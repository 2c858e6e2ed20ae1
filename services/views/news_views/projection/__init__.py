"""Counts and markers as projections: from the log into Redis and the changelog, and back."""
