"""Detection: rules over a case, what fired, what could not have fired, and why."""
