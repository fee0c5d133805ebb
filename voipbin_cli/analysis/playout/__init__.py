"""What a listener hears: the playout buffer, the delay it needs, concealment."""
