"""The command `ketenhub-log`: the only place of this package that reads and writes files."""
