"""Work on what is stored: `verify` compares the log with everything that follows from it."""
