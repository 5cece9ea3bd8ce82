"""The pretend exchanges behind the venues' real wire protocols."""
