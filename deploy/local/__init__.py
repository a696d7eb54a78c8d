"""The local stack: the production topology on one machine, with real servers and one command."""
