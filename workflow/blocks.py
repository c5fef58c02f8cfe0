"""Blocks of seeds, one a job, and the marks in their file names."""


def seed_blocks(seeds, size=None):
    """{mark in the file name: seeds}: blocks of `size` seeds, or one block of all seeds, without a mark."""
    blocks = [seeds[i : i + size] for i in range(0, len(seeds), size)] if size else [seeds]
    return {"": seeds} if len(blocks) == 1 else {f".seeds{block[0]}-{block[-1]}": block for block in blocks}
