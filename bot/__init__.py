"""The conversation: a pure step function, its texts, and the runtime that runs it."""
