"""Values that more than one noun knows: money, times, addresses and names."""
