"""What a report says beside its verdicts."""
