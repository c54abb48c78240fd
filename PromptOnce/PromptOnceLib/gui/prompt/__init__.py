"""Objects and their markups, the prompted slice, the preview."""
