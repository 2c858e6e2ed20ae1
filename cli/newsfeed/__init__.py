"""The newsfeed command: a whole newsroom on a laptop, and its operation."""
