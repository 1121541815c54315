"""Models behind one interface; the registry is in `registry`."""
