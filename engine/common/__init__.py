"""Arrays, random streams, statistics, files: used by every other room, without science or imports from them.

backend      namespaces of arrays, and devices
cuda, jit    compiled code: kernels of a GPU, which share prelude.cu, and loops of a CPU
subnormals   numbers near 0 as zeros
safe         logs, ratios and norms that do not underflow
statistics   means, medians, quantiles, ranks, fits; blocks: standard errors along a run
seeding      random streams by name
arrays       arrays from files; torch_file, protobuf and numbers: what these files are made of
files        full paths, and files that are whole or absent
quantity     a measured quantity in words
words        names of the configuration in titles; markdown: tables; progress: of long work
registry     things by their names, and the nearest name
machine      the machine in words, and its memory; memory: where freed memory goes
"""
