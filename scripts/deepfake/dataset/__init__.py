"""The sheet of labelled videos: making it, checking it, linking its rows."""
