"""Running batches, and reviewing their cases."""
