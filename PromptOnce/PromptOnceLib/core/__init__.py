"""Everything that needs neither torch nor Slicer: volumes, prompts, metrics, files."""
