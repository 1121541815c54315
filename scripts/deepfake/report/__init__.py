"""Pages that people look at: of a run, and of a video that was judged."""
