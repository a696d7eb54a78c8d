"""Native formats: what an organisation's own system writes and reads, to and from a `Document`."""
