"""The pipeline of one message, at both ends, and the client of the hub's API."""
