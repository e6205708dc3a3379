"""Runs on the nodes of a Ray cluster, on each as processes of their own."""
