"""What the frames tell: folds over arrivals and samples; no clock, no I/O, no randomness."""
