"""Starting totals from elsewhere, in."""
