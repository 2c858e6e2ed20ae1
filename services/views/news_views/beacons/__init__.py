"""Beacons in: from a request to a record of ``news.views``."""
