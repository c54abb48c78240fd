"""Computing the cases of a run: the runner, the lane that feeds a worker, what is written for a case."""
