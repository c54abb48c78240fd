"""Seeds in the panel: library, saving, applying."""
