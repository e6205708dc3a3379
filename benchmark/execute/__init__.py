"""Executing runs: scheduler, worker, engines, and how they are stopped."""
