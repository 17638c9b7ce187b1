"""The Documents page: files in, searched and read."""
