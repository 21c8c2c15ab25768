"""The self-contained page that a run leaves behind."""
