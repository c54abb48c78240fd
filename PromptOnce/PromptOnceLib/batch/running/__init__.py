"""Cases computed one after the other: the runner, its lane, its worker."""
