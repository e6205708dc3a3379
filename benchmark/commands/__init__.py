"""The commands of `bench`, a file each, its arguments beside its function."""
