"""Which articles are near in meaning: kept up to date by whoever holds the lease."""
