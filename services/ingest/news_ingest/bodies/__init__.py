"""Bodies of articles: from what sources send to the HTML that readers may be shown."""
