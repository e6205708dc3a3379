"""What a frozen encoder knows of a task: its features, a linear probe, measures without a task."""
