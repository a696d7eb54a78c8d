"""How it is run: the local stack, and files for other places."""
