"""The benchmarks in short: what they prove holds, and they can still be run."""
