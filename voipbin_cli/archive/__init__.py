"""Thousands of files: a row for each stream, in Parquet, and what the rows say together."""
