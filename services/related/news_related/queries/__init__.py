"""The graph and its lists, over HTTP."""
