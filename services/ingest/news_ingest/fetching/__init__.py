"""Fetching what strangers name: only public addresses, bounded in time, size and decompression."""
