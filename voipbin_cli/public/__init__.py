"""What `import voipbin_cli` offers, and what the commands themselves call.

Nothing is imported here: each name of `voipbin_cli` loads its own module.
"""
