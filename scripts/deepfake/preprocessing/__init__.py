"""From videos to face crops and records of the faces."""
