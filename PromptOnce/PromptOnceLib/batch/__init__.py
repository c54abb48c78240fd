"""Many cases from one prompt: finding them, running them, and going on after whatever stopped a run."""
