"""The article store: one article, lists, newest by theme and language."""
