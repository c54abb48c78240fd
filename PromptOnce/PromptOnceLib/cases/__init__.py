"""One case: image, prompt and window checked and made ready, and what is written at the end."""
