"""What is seen of slices."""
