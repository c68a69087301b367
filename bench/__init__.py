"""Benchmarks: each figure is a ratio to a bare loop or a peer in the same run, since machines are shared and noisy."""
