"""Child processes: running, ending, their lines and variables, the pipe to the worker."""
