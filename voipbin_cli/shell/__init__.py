"""How a shell meets the tool: completions and man pages from the commands, and what TAB asks."""
