"""Results as files, and networks from files.

netcdf          labels, units, provenance; networks: weights by name; trainings: a training
importing       networks of others: weight_file, formats; directions: one of two, one layer; initial_state: the start
matching        whether such a network fits the sequences on which it is to be measured; protocols: and how
measuring       a measured quantity as a labelled dataset; notebook: of an imported network
provenance      what made a file
"""
