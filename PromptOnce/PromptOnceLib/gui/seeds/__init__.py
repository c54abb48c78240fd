"""The seed library: suggestions, saving, applying."""
