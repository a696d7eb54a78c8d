"""The commands `ketenhub` (operator of a hub) and `ketenhub-registrar` (who admits; never the operator)."""
