"""Tuning: settings asked of Optuna, trained by the engine that trains everything else."""
