"""What the worker does for requests that are more than a few lines of work. In the worker process only."""
