"""What the shape of an object on one slice is like: its outline in figures, and its contrast."""
