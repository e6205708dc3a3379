"""Figures of arms: ranks, profiles, costs, learning, calibration."""
