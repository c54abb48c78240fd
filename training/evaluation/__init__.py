"""Parts of the evaluation command: what is measured, on what, and how it is shown."""
