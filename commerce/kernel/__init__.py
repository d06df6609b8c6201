"""What every context stands on: transactions, clock, ids, events, sagas. It knows no context."""
