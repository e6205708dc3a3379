"""A BERT computed on the real tokens of a batch alone, and at its top on what is asked for.

transformers computes every position of a padded batch in every layer, though a classifier reads the
first token of each text from the last one. On a CPU, where nothing else hides it, most of such a
step is for nothing. What is here computes the same function of the same modules: each token of a
batch is a row of one table, each text attends to itself, and the last layer has the rows that are
read. Dropout draws its masks from torch's generator, at a seventh of the time.

`tests/trainers/test_packed.py` holds it to what transformers computes.
"""
