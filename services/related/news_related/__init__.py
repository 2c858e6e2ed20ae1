"""The graph of links between stories, and related stories out."""
