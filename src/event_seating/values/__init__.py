"""Values that several nouns share: money, times, addresses and names."""
