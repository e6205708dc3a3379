"""The record of runs in MLflow, the cache beside it, and where a result came from."""
