"""The pages in a real Chromium: a package, whose fixtures end with its last test."""
