"""Without labels: rank, collapse, uniformity and alignment, and a verdict in words."""
