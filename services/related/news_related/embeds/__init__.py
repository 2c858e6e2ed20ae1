"""What other people's pages embed: related articles as HTML."""
