"""Statistics over seeds.

intervals       of means, medians and other statistics
claims          verdicts on the claims of the abstract; claim_cases: their numbers, regimes: for each kind of data
decomposition   what gate and optimizer contribute; factorial: as a table
coupling        of time scales in parameter and state space
table1          Table 1 of the paper; summary: losses and anisotropy; differences: the released code
"""
