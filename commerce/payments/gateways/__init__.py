"""One module per payment provider, all behind the same port."""
