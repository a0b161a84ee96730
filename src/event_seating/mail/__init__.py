"""Mail to people: how a mail is written, and how it gets to a mail server."""
