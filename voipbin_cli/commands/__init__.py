"""One file a command: its options make one frozen request, a session runs it, render shows it."""
