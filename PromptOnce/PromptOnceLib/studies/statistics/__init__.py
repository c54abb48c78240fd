"""Statistics of plain numbers: summaries, paired comparisons, correlations."""
