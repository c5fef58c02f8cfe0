"""Seeds in blocks: which seeds a job holds, and what its file is called."""


def seed_blocks(seeds, size=None):
    """{mark in the file name: seeds}: one job for all seeds, without a mark, or one a block of `size` seeds."""
    blocks = [seeds[i : i + size] for i in range(0, len(seeds), size)] if size else [seeds]
    return {"": seeds} if len(blocks) == 1 else {f".seeds{block[0]}-{block[-1]}": block for block in blocks}
