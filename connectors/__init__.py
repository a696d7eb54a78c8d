"""The edge: what runs at each organisation, where values and keys are."""
