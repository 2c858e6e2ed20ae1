"""Articles in: HTTP intake and the publisher of article events."""
