"""What is kept of a stack on disk: image features for the next run, and what the last run left for corrections."""
