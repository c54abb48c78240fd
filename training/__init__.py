"""Training of the embedded model on generated phantoms; not shipped with the extension."""
