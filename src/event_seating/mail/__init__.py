"""Mail to people: how a letter is written, and how it gets to a mail server."""
