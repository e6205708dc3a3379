"""GPUs of this machine: which there are, and which run goes on which of them."""
