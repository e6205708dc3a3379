"""Files of any format, read to columns, with every fault by file and row."""
