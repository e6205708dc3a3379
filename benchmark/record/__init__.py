"""What MLflow is told of runs and studies and asked about them, and where a result came from."""
