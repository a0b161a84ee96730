"""What follows from a change of seats: jobs, messages, mails and reports."""
