"""Who is in training, in the test and in which fold, and whether anything leaks."""
