"""Runs of one architecture trained as one model, whose weights lie side by side.

A small model keeps a GPU waiting: a step of it is some hundreds of kernels, each over before the
next one is asked for. Here the kernels of S runs are one (HFTA, arXiv 2102.02344): every weight has
a first dimension of length S, and the rows of S batches stand one behind the other. Each run keeps
what its own seed and settings decide, as if it were trained alone: its order, dropout masks, loss,
optimiser, schedule, clipping and selected checkpoint. Its numbers are those of a run that
transformers computes alone, up to the order in which sums are taken.

`tests/trainers/stacked` holds it to that on the CPU, where nobody would train like this.
"""
