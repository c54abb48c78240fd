"""What is special about single kinds of image files."""
