"""What the Python console offers."""
