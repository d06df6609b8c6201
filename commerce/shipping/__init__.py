"""How a parcel gets there: from which warehouse, for how much, and when it arrives."""
