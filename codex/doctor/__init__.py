"""What is installed and set, what is wrong with it, and how to mend that."""
