"""What other people's pages embed: scripts, the pixel, the badge."""
