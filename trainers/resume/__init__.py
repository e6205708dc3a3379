"""Where a run stands between two steps: written down as tensors and JSON, and gone on from."""
