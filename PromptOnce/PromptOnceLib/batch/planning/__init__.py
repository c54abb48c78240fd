"""What a batch is going to do: its cases, their prompts and options."""
