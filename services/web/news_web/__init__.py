"""The reader's pages and the one origin in front of the services."""
