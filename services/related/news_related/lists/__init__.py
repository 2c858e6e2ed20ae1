"""What is shown beside an article, in which order and why."""
