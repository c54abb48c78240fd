"""Data sets of the papers and of your own: where their images and references are."""
