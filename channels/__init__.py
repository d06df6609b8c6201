"""The places a fan can write from: each adapter turns its platform's messages into neutral ones."""
