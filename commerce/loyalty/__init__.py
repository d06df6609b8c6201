"""What a fan has bought before, and the standing that comes of it."""
