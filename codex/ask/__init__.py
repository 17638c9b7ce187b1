"""One question, from the request to the response: the loop, and the workbench that holds what it needs."""
