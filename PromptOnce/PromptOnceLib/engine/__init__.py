"""The worker's side: SAM 2 models and propagation; the only layer that imports torch."""
