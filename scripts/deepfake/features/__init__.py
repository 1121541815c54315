"""Feature sets of faces, and the matrix of features."""
