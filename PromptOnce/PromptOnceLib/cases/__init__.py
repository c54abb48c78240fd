"""One case, from image and prompt to what is written."""
