"""Tasks of several steps, the same for every front end: start slices, round trips, picture sets."""
