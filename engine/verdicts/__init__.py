"""Statistics over seeds: intervals, decompositions, claims, Table 1."""
