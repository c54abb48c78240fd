"""A batch on the workers of a Dask cluster: one engine with its model on each, cases as tasks."""
