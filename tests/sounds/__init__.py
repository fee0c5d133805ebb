"""Sounds with their labels, made from a seed: what is healthy, and each way to spoil it."""
