"""Work outside requests: notifications and warnings. A task carries ids only and may run twice."""
