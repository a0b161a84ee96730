"""Event Seating: the self-hosted seating engine that never sells a seat twice."""
