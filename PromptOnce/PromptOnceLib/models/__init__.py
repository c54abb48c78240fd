"""SAM 2 models by name: the registry, checkpoints, downloads."""
