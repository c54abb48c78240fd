"""What a run is to do: its cases, from a folder, a manifest or a list, and their prompts."""
