"""What `--json` prints, in rows: the JSON Schema and the man pages are made of the same ones."""
