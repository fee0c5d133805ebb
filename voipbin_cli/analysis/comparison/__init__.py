"""Two runs side by side: what changed beyond its uncertainty. Pure, over the summaries' fields."""
