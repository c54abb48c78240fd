"""Parts of slices instead of whole ones, and what is prompted on each slice by itself."""
