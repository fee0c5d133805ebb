"""Completion scripts and man pages, generated from the commands, and the answers to TAB."""
