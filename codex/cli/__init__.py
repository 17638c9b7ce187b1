"""The command line: thin commands over the same calls as the pages and HTTP."""
