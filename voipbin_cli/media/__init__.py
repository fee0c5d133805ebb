"""Audio files: a crash-safe writer, one thread for the disk, and streaming readers."""
