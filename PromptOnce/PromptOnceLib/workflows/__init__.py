"""Several propagations for one answer: round trips, start slices, picture sets."""
