"""The command `ketenhub-policy`: the only place of this package that reads files, prints and starts processes."""
