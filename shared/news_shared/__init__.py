"""What all newsfeed services share: contracts, projection runtime, clients, conventions."""
