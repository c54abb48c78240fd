"""The figures of a study: box plots, differences, Dice along the volume, correlations, prompts, times."""
