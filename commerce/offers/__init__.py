"""Personal offers: the discount most worth proposing to this fan, learned from outcomes."""
