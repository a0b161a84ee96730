"""What a first try finds: demo data, and simulated buyers."""
