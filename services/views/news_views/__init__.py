"""Readers' views: beacons in, exact counts out."""
