"""What people and scripts see: terminal views, JSON Lines, error lines."""
